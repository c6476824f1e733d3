//! Promise 3: a refusal is free.

use proptest::prelude::*;
use stillgate::engine::{Decision, Effort};
use stillgate::verdict::Verdict;

use crate::gate::Gate;
use crate::stores::{Fresh, bytes, on_every_store};
use crate::traffic::{Ask, cases, policy_of, traffic};

on_every_store!(
    a_refusal_writes_nothing,
    what_was_refused_might_as_well_not_have_been_asked,
);

fn a_refusal_writes_nothing<S: Fresh>() {
    proptest!(cases(48), |((rules, asks) in traffic(0.3, 3, 1..200))| {
        let gate = Gate::<S>::new(&policy_of(&rules, "64KiB"));
        let mut before = bytes(&gate.store);
        for ask in &asks {
            let decision = gate.ask(&ask.request(), ask.at);
            let after = bytes(&gate.store);
            if decision.verdict != Verdict::Allow && decision.effort.evicted == 0 {
                prop_assert!(before == after, "{:?} has changed a page", ask);
            }
            before = after;
        }
    });
}

/// Two gates: one is asked everything, the other only what the first admitted. They tell the same of every quota.
fn what_was_refused_might_as_well_not_have_been_asked<S: Fresh>() {
    proptest!(cases(96), |((rules, asks) in traffic(0.3, 3, 1..400))| {
        let policy = policy_of(&rules, "1MiB");
        let (asked, spared) = (Gate::<S>::new(&policy), Gate::<S>::new(&policy));
        for ask in &asks {
            let decision = self::decision(&asked, ask);
            if decision.verdict == Verdict::Allow {
                prop_assert_eq!(decision, self::decision(&spared, ask));
            }
        }
    });
}

/// A decision, without what it cost: a refusal may have made room already.
fn decision<S: Fresh>(gate: &Gate<S>, ask: &Ask) -> Decision {
    Decision {
        effort: Effort::default(),
        ..gate.ask(&ask.request(), ask.at)
    }
}
