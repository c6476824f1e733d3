//! The engine for somebody who looks: policies as they are written, requests tried one by one, and traffic as it goes by.
//!
//! All of it is arguments in and data out, so that a page and a test see the same; [`host`](crate::host) hands it to JavaScript.
//!
//! ```text
//! policy ─► findings, deployment
//! desk   ─► fleet ─► what came of a request, and how quotas stand
//! run    ─► world or lines ─► fleet ─► film: what happened when, and to whom
//! ```

pub mod case;
pub mod deploy;
pub mod desk;
pub mod film;
pub mod policy;
pub mod run;
pub mod sniff;
