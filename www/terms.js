// What speaks for a campaign and against it: every term of a score, what it goes up to, and what it means.

/**
 * @typedef {{name: string, family: string, most: number, text: string}} Term
 * @type {Term[]}
 */
export const TERMS = [
  term("spread", "content", 3, "Many keys share what the prompts have in common."),
  term("unique_rest", "content", 2, "What is filled into the template is new nearly each time."),
  term("breadth", "coordination", 4, "One key uses many templates that others use too."),
  term("young_cohort", "coordination", 2.5, "More of its accounts are young than of all accounts."),
  term("even_load", "coordination", 4, "Its keys ask equally much, as if work was dealt out."),
  term("known_keys", "coordination", 4, "Most of its keys are known for another campaign."),
  term("churning_networks", "infrastructure", 2, "A key comes from a new network most times."),
  term("crowded_networks", "infrastructure", 2, "Many keys come from one network."),
  term("many_stacks_one_request", "infrastructure", 1.5, "Many kinds of client all ask for the same model and caps."),
  term("no_rhythm", "timing", 3, "Keys come without sittings: seldom soon after their last request."),
  term("single_turn", "use", 1, "Nobody goes on with a conversation."),
  term("long_answers", "use", 1, "Answers are long, and much the same length."),
  term("old_accounts", "against it", -2, "Most accounts are old."),
  term("verified_accounts", "against it", -2, "Many accounts are verified."),
  term("conversations", "against it", -4, "Keys go on with conversations in new words."),
  term("human_rhythm", "against it", -3, "Keys come in sittings, as people do."),
  term("repeated_rest", "against it", -3, "What is filled in is passed around."),
  term("heavy_tail", "against it", -3, "A few keys ask most."),
  term("one_organisation_or_clockwork", "against it", -6, "The keys are of one organisation, or come by the clock."),
  term("various_requests", "against it", -6, "Its users ask for all kinds of models and caps."),
];

/** The most that any term says, for or against. */
export const MOST = Math.max(...TERMS.map(({ most }) => Math.abs(most)));

/** So many points convict where the policy does not say otherwise. */
export const LINE = 10;

/**
 * The line that convicts, as a policy draws it.
 * @param {string | undefined} text
 * @returns {number}
 */
export function lineOf(text) {
  try {
    return JSON.parse(text).campaigns.convict.score ?? LINE;
  } catch {
    return LINE;
  }
}

function term(name, family, most, text) {
  return { name, family, most, text };
}

/** A number of points as it is written. @param {number} value @returns {string} */
export function points(value) {
  return value.toFixed(1).replace("-", "−");
}
