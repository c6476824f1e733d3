//! Campaigns: the many keys that act as one.
//!
//! Every node notes what requests show, as [`Observation`]s in a [`Batch`]. Once in a while the batches of all nodes are
//! brought together, and one [`Judge`] takes them in: it finds features that many keys share, gathers evidence about them, and
//! judges. What it has found is a [`Book`], of which every node has a copy, and by which it knows a campaign's request when it
//! sees one. Nothing on the way of a request waits for any of this.
//!
//! ```text
//! request ─► template ─► book ─► match ─► engine          (every node, every request)
//!                │
//!                └► observation ─► batch ─► judge ─► book (all nodes together, now and then)
//! ```

mod batch;
mod book;
mod judge;
pub mod lease;
pub mod mail;
mod news;
mod observation;

pub use batch::{Batch, MOST};
pub use book::{Book, Campaign, Entry, Match};
pub use judge::{Case, Judge, features};
pub use news::{Event, News};
pub use observation::{Flags, Observation};
