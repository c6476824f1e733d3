//! From JSON to the file's types: every field read, every fault noted, nothing dropped silently.

mod campaigns;
mod checks;
mod identity;
mod lists;
mod metering;
mod quotas;
mod spelling;

pub use checks::MAX_CHECKS;
pub use quotas::MAX_QUOTAS;

use super::file::{
    self, Check, Count, Fact, File, Headers, Limits, Mode, OnError, Quota, Record, Size, Source,
};
use super::node::{Fields, Node};
use crate::verdict::Verdict;
use lists::Lists;

/// Traits that every request has without `account`.
pub const TRAITS: [&str; 11] = [
    "key", "network", "path", "method", "model", "shape", "agent", "ja4", "ja3", "country", "asn",
];

/// A rule that could be read, and where it stands.
pub(super) type Placed<T> = (String, T);

/// The rules that could be read, in the order of the file.
pub(super) struct Rules {
    pub(super) quotas: Vec<Placed<Quota>>,
    pub(super) checks: Vec<Placed<Check>>,
}

/// What rules may name.
struct Names<'a> {
    /// The names from `account`.
    facts: Vec<&'a str>,
    lists: Lists<'a>,
}

/// Reads the file. What has a fault is left out and noted; rules come beside it, with their places.
#[must_use]
pub(super) fn file(root: &Node<'_>) -> Option<(File, Rules)> {
    let fields = root.fields(&[
        "version",
        "mode",
        "identity",
        "account",
        "traits",
        "lists",
        "verify_url",
        "checks",
        "quotas",
        "campaigns",
        "tokens",
        "prices",
        "dialects",
        "limits",
        "headers",
        "record",
        "on_error",
        "on_unreadable",
    ])?;
    let version = fields
        .required("version")
        .and_then(|node| node.whole(1..=1));
    let account = fields
        .get("account")
        .and_then(|node| identity::account(&node))
        .unwrap_or_default();
    let mut names = Names {
        facts: account.iter().map(|(name, _)| name.as_str()).collect(),
        lists: Lists::new(fields.get("lists")),
    };
    let checks = fields
        .get("checks")
        .map(|node| checks::checks(&node, &mut names))
        .unwrap_or_default();
    let quotas = fields
        .get("quotas")
        .map(|node| quotas::quotas(&node, &mut names))
        .unwrap_or_default();
    let verifiable = fields.get("verify_url").is_some();
    let campaigns = fields
        .get("campaigns")
        .and_then(|node| campaigns::campaigns(&node, &mut names, verifiable));
    let file = File {
        version: version.unwrap_or(1),
        mode: mode(&fields),
        identity: fields
            .get("identity")
            .and_then(|node| identity::identity(&node))
            .unwrap_or_default(),
        traits: fields
            .get("traits")
            .and_then(|node| identity::traits(&node))
            .unwrap_or_default(),
        lists: names.lists.finish(),
        verify_url: fields
            .get("verify_url")
            .and_then(|node| checks::verify_url(&node)),
        checks: Vec::new(),
        quotas: Vec::new(),
        campaigns,
        tokens: fields
            .get("tokens")
            .and_then(|node| metering::tokens(&node))
            .unwrap_or_default(),
        prices: fields
            .get("prices")
            .map(|node| metering::prices(&node))
            .unwrap_or_default(),
        dialects: fields
            .get("dialects")
            .map(|node| metering::dialects(&node))
            .unwrap_or_default(),
        limits: fields
            .get("limits")
            .and_then(|node| limits(&node))
            .unwrap_or_default(),
        headers: fields
            .get("headers")
            .and_then(|node| node.word(&HEADERS))
            .unwrap_or_default(),
        record: fields
            .get("record")
            .and_then(|node| node.word(&RECORD))
            .unwrap_or_default(),
        on_error: fields
            .get("on_error")
            .and_then(|node| node.word(&ON_ERROR))
            .unwrap_or_default(),
        on_unreadable: metering::on_unreadable(&fields),
        account,
    };
    note_credentials(root, &file);
    let rules = Rules { quotas, checks };
    let budgets = file.campaigns.as_ref().map_or(0, file::Campaigns::budgets);
    rules.note_what_is_needed(root, &fields, budgets);
    Some((file, rules))
}

/// Notes facts that are credentials: what a check has looked at is told in records, where no credential may stand.
fn note_credentials(root: &Node<'_>, file: &File) {
    for (name, fact) in &file.account {
        let Fact::Header { header: mine } = fact else {
            continue;
        };
        let holds =
            |source: &Source| matches!(source, Source::Header { header, .. } if header == mine);
        if file.identity.from.iter().any(holds) {
            root.fault_at(
                &format!("/account/{name}/header"),
                "a credential stands there, and facts are written into records",
                "name a header that tells of the account, or use `key`",
            );
        }
    }
}

impl Rules {
    /// Notes what a rule needs and is not written elsewhere.
    fn note_what_is_needed(&self, root: &Node<'_>, fields: &Fields<'_>, budgets: usize) {
        let (priced, verifiable) = (fields.get("prices"), fields.get("verify_url"));
        let mut count = 0_usize;
        let mut quota = |path: &str, quota: &Quota| {
            count = count.saturating_add(1);
            if quota.count == Count::Cost && priced.is_none() {
                root.fault_at(
                    &format!("{path}/count"),
                    "\"cost\" needs `prices`",
                    "add \"prices\": [{\"model\": \"*\", \"input\": 2.5, \"output\": 10}], per million tokens",
                );
            }
        };
        for (path, written) in &self.quotas {
            quota(path, written);
        }
        for (path, check) in &self.checks {
            if let Some(written) = &check.quota {
                quota(&format!("{path}/quota"), written);
            }
            if check.then == Verdict::Verify && verifiable.is_none() {
                root.fault_at(
                    &format!("{path}/then"),
                    "\"verify\" needs `verify_url`",
                    "add \"verify_url\": \"https://…\", where a client can have its account verified",
                );
            }
        }
        if self.quotas.len() <= MAX_QUOTAS && count > MAX_QUOTAS {
            root.fault_at(
                "/checks",
                &format!("makes {count} quotas with those of checks"),
                &format!("expected at most {MAX_QUOTAS}"),
            );
        }
        let all = count.saturating_add(budgets);
        if count <= MAX_QUOTAS && all > MAX_QUOTAS {
            root.fault_at(
                "/campaigns/steps",
                &format!("makes {all} quotas with all others"),
                &format!("expected at most {MAX_QUOTAS}"),
            );
        }
    }
}

const RECORD: [(&str, Record); 2] = [
    ("interventions", Record::Interventions),
    ("all", Record::All),
];
const HEADERS: [(&str, Headers); 2] =
    [("always", Headers::Always), ("refusals", Headers::Refusals)];
const ON_ERROR: [(&str, OnError); 2] = [("allow", OnError::Allow), ("deny", OnError::Deny)];

fn mode(fields: &Fields<'_>) -> Mode {
    let words = [("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];
    fields
        .get("mode")
        .and_then(|node| node.word(&words))
        .unwrap_or_default()
}

fn limits(node: &Node<'_>) -> Option<Limits> {
    let fields = node.fields(&["memory", "body"])?;
    let mut limits = Limits::default();
    if let Some(memory) = fields
        .get("memory")
        .and_then(|node| node.size("64KiB"..="4GiB"))
    {
        limits.memory = Size(memory);
    }
    if let Some(body) = fields
        .get("body")
        .and_then(|node| node.size("1KiB"..="256MiB"))
    {
        limits.body = Size(body);
    }
    Some(limits)
}
