//! Who judges, of several that could: one holds a lease, renews it, and hands it over to whoever is better placed.

use crate::exchange::Millis;

/// For how long a lease is given, in milliseconds: so long nobody judges after a judge has died.
pub const TERM: Millis = 5_000;

/// What all have to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub owner: u64,
    /// Who is to have it next; 0 for nobody.
    pub heir: u64,
    /// Until when, on the steady clock.
    pub until: Millis,
    /// How badly placed the owner is: 0 is best.
    pub rank: u64,
}

/// What one of those who could judge has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: another one judges.
    Wait,
    /// To write this, and to judge if nobody else has written in the meantime.
    Judge(Lease),
    /// To write this, so that the owner hands over.
    Apply(Lease),
    /// To write down all that it knows, and then this.
    HandOver(Lease),
}

impl Lease {
    /// What `me`, so well placed, has to do in view of the lease that is held.
    #[must_use]
    pub fn turn(held: Option<Self>, me: u64, rank: u64, now: Millis) -> Turn {
        let until = now.saturating_add(TERM);
        let mine = Self {
            owner: me,
            heir: 0,
            until,
            rank,
        };
        // One that runs longer than any was never given.
        let valid = |held: &Self| held.until > now && held.until <= until;
        let Some(held) = held.filter(valid) else {
            return Turn::Judge(mine);
        };
        if held.owner == me {
            return match held.heir {
                0 => Turn::Judge(mine),
                // He says himself how he is placed when he takes it up.
                heir => Turn::HandOver(Self {
                    owner: heir,
                    rank: 0,
                    ..mine
                }),
            };
        }
        if held.heir == 0 && rank < held.rank {
            return Turn::Apply(Self { heir: me, ..held });
        }
        Turn::Wait
    }

    /// For shared data.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        bytemuck::cast([self.owner, self.heir, self.until, self.rank].map(u64::to_le))
    }

    /// From shared data; `None` if it is something else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 32] = bytes.try_into().ok()?;
        let numbers: [u64; 4] = bytemuck::cast(bytes);
        let [owner, heir, until, rank] = numbers.map(u64::from_le);
        Some(Self {
            owner,
            heir,
            until,
            rank,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some that could judge, and what they have written.
    #[derive(Default)]
    struct All {
        held: Option<Lease>,
        judges: Vec<u64>,
    }

    impl All {
        fn tick(&mut self, me: u64, rank: u64, now: Millis) -> Turn {
            let turn = Lease::turn(self.held, me, rank, now);
            self.judges.retain(|&judge| judge != me);
            match turn {
                Turn::Wait => {}
                Turn::Judge(lease) => {
                    self.judges.push(me);
                    self.held = Some(lease);
                }
                Turn::Apply(lease) | Turn::HandOver(lease) => self.held = Some(lease),
            }
            self.held = self
                .held
                .and_then(|held| Lease::from_bytes(&held.to_bytes()));
            turn
        }
    }

    #[test]
    fn there_is_one_judge() {
        let mut all = All::default();
        for second in 1..100 {
            for me in 1..9 {
                all.tick(me, 0, second * 1_000 + me);
                assert_eq!(all.judges, [1]);
            }
        }
    }

    #[test]
    fn a_judge_that_dies_is_followed_when_its_lease_is_over() {
        let mut all = All::default();
        all.tick(1, 0, 1_000);
        assert_eq!(all.tick(2, 0, 1_000 + TERM - 1), Turn::Wait);
        assert!(matches!(all.tick(2, 0, 1_000 + TERM), Turn::Judge(_)));
        assert_eq!(all.tick(1, 0, 1_001 + TERM), Turn::Wait);
        assert_eq!(all.judges, [2]);
    }

    #[test]
    fn who_is_better_placed_gets_it_once_the_other_has_written_all_down() {
        let mut all = All::default();
        all.tick(1, 1, 1_000);
        assert!(matches!(all.tick(2, 0, 1_001), Turn::Apply(_)));
        assert_eq!(all.tick(3, 0, 1_002), Turn::Wait);
        assert_eq!(all.tick(2, 0, 2_000), Turn::Wait);
        assert!(matches!(all.tick(1, 1, 2_001), Turn::HandOver(_)));
        assert!(matches!(all.tick(2, 0, 2_002), Turn::Judge(_)));
        for second in 3..9 {
            assert_eq!(all.tick(1, 1, second * 1_000), Turn::Wait);
            assert_eq!(all.tick(3, 0, second * 1_000), Turn::Wait);
            assert!(matches!(all.tick(2, 0, second * 1_000), Turn::Judge(_)));
        }
    }

    #[test]
    fn an_heir_that_dies_is_followed_too() {
        let mut all = All::default();
        all.tick(1, 1, 1_000);
        all.tick(2, 0, 1_001);
        assert!(matches!(all.tick(1, 1, 2_000), Turn::HandOver(_)));
        assert_eq!(all.tick(1, 1, 2_000 + TERM - 1), Turn::Wait);
        assert!(matches!(all.tick(1, 1, 2_000 + TERM), Turn::Judge(_)));
    }

    #[test]
    fn a_lease_that_nobody_gave_binds_nobody() {
        let forever = Lease {
            owner: 9,
            heir: 0,
            until: u64::MAX,
            rank: 0,
        };
        assert!(matches!(
            Lease::turn(Some(forever), 1, 1, 1_000),
            Turn::Judge(_)
        ));
        assert_eq!(Lease::from_bytes(b"no lease"), None);
    }
}
