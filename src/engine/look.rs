//! How quotas stand, for whoever looks on: nothing is charged, and nothing decided.

use super::checks::Care;
use super::decision::QuotaState;
use super::plan::Plan;
use super::{Content, Engine};
use crate::campaign::Book;
use crate::exchange::{Exchange, Now};
use crate::identity;
use crate::store::Store;
use crate::traits::Traits;

impl Engine {
    /// How every quota stands that covers a request of whose body this is known, those in shadow and the budgets of campaigns
    /// too, in the order of the policy; its own charge is not among what is used. None for a request without a key.
    pub fn standings<S: Store>(
        &self,
        exchange: &Exchange<'_>,
        content: Content<'_>,
        book: &Book,
        now: Now,
        store: &S,
    ) -> Vec<QuotaState> {
        let dialect = self.policy.dialect_of(exchange);
        let in_path = dialect.model_in_path(exchange.path);
        let mut exchange = *exchange;
        exchange.model = content.model(in_path.as_deref());
        let Ok(key) = identity::identify(&exchange, &self.policy, self.secret) else {
            return Vec::new();
        };
        let known = self.recognise(&exchange, content, book, now);
        let mut traits = Traits::new(&exchange, &self.policy, self.secret, key);
        let Ok(mut findings) = self.check(&mut traits, &|_| true, Care::Glance, now, store) else {
            return Vec::new();
        };
        // Its word is the decision's; here it says which budgets hold.
        let _ = self.answer(&known, &mut traits, &mut findings);
        let mut plan = Plan::default();
        plan.fill(&self.policy, &mut traits, store.pages(), &|quota| {
            findings.activate(quota)
        });
        if self.peek(&mut plan, now, store).is_err() {
            return Vec::new();
        }
        let visits = plan.visits.iter();
        let charges = visits.flat_map(|visit| plan.charges(visit));
        let mut states: Vec<QuotaState> = charges
            .map(|charge| QuotaState {
                quota: charge.quota,
                limit: charge.limit,
                standing: charge.standing,
            })
            .collect();
        states.sort_by_key(|state| state.quota);
        states
    }
}
