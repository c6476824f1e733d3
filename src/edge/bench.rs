//! Where campaigns are judged: takes in what all ledgers have seen, and tells them what is found.

use crate::campaign::{Batch, Book, Judge, News, mail};
use crate::exchange::Millis;
use crate::policy::campaigns::Campaigns;
use crate::record;

/// How many pieces of what is known are written down after a sitting: all of them within a minute.
const PIECES: usize = 2;

/// A judge, and what it is about to take in.
pub struct Bench {
    judge: Judge,
    rules: Campaigns,
    news: News,
    waiting: Vec<Batch>,
    /// The piece that is written down next.
    next: usize,
    latest: Millis,
}

impl Bench {
    /// One that knows nothing.
    ///
    /// # Errors
    /// When the policy has faults, or the secret can be guessed.
    pub fn new(policy: &str, secret: &str) -> Result<Self, String> {
        let (policy, secret) = (super::policy(policy)?, super::secret(secret)?);
        let rules = policy
            .campaigns
            .ok_or("the policy has no campaigns, so there is nothing to judge")?;
        Ok(Self {
            judge: Judge::new(rules.clone(), secret),
            rules,
            news: News::default(),
            waiting: Vec::new(),
            next: 0,
            latest: 0,
        })
    }

    /// Takes a piece of what another one has known; `false` if it is of no use.
    pub fn load(&mut self, place: u32, piece: &[u8]) -> bool {
        self.judge.take_over(place as usize, piece)
    }

    /// Goes on with what was loaded, and the book that was written down last, which may be empty.
    pub fn resume(&mut self, book: &[u8], now: Millis) {
        let before = Book::from_bytes(book).unwrap_or_default();
        let seconds = u32::try_from(now / 1_000).unwrap_or(u32::MAX);
        self.judge.resume(&before, seconds);
        // What came with the other's knowledge are its rules.
        self.judge.set_rules(self.rules.clone());
        // What was known before was told before.
        self.news.take(self.judge.cases());
        self.latest = now;
    }

    /// Takes what a ledger has seen; `false` if it is not that.
    pub fn take(&mut self, mail: &[u8]) -> bool {
        let Some(batch) = mail::open(mail) else {
            return false;
        };
        self.waiting.push(batch);
        true
    }

    /// Judges what was taken since. Answers lines for the log about what has changed.
    pub fn sit(&mut self, now: Millis) -> Vec<String> {
        self.latest = self.latest.max(now);
        let batches: Vec<&Batch> = self.waiting.iter().collect();
        let changed = self.judge.sit(&batches, self.latest);
        self.waiting.clear();
        if !changed {
            return Vec::new();
        }
        let judge = &self.judge;
        let news = self.news.take(judge.cases());
        news.iter()
            .map(|(event, case)| {
                let templates = judge.templates(case.id);
                record::campaign(event.label(), case, &templates, self.latest)
            })
            .collect()
    }

    /// The version of what is known.
    #[must_use]
    pub const fn edition(&self) -> u32 {
        self.judge.book().version()
    }

    /// What is known, for ledgers.
    #[must_use]
    pub fn book(&self) -> Vec<u8> {
        self.judge.book().to_bytes()
    }

    /// The pieces that are to be written down now: those that say what was found if that has `changed`, and a few of the others
    /// in turn.
    pub fn due(&mut self, changed: bool) -> Vec<u32> {
        let vital = if changed { self.judge.vital() } else { 0 };
        let mut due: Vec<usize> = (0..vital).collect();
        for _ in 0..PIECES {
            due.push(self.next);
            self.next = self.next.saturating_add(1);
            if self.next >= self.judge.pieces() {
                self.next = 0;
            }
        }
        let due = due.into_iter();
        due.filter_map(|place| u32::try_from(place).ok()).collect()
    }

    /// How many pieces there are.
    #[must_use]
    pub fn pieces(&self) -> u32 {
        u32::try_from(self.judge.pieces()).unwrap_or(u32::MAX)
    }

    /// What is to be written down of a piece.
    #[must_use]
    pub fn piece(&self, place: u32) -> Vec<u8> {
        self.judge.piece(place as usize)
    }
}
