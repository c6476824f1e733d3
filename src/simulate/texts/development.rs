//! The texts to choose by.

use super::grammar::Source;

/// Words and sentences; see [`Source`] for what the letters in braces stand for.
pub(super) const DEVELOPMENT: Source = Source {
    nouns: "parser invoice queue harbour recipe lantern compiler ledger orchard budget turbine novel contract sensor \
        garden playlist kernel mortgage violin spreadsheet glacier database wedding syllabus bicycle firewall \
        poem cache bakery telescope schema passport marathon widget melody backlog apartment regex battery \
        festival container aquarium migration salary printer volcano router essay thermostat catalogue \
        balcony checksum diary elevator forum gearbox handler iterator jacket kettle ladder mailbox notebook \
        outline pipeline quarry roster socket ticket umbrella vector warehouse yoghurt zipper anchor basket \
        candle dashboard envelope filter goblet hammer index journal keyboard locker monitor needle oven \
        package quilt radiator saddle terminal utensil valve wallet archive bracket column deployment editor \
        fountain grammar hinge interface jigsaw kiosk lattice manifest network octave palette quorum registry \
        scaffold thread upstairs variable workflow xylophone yard zone almanac buffer cursor decoder engine \
        footnote gateway heap import joystick key library matrix node object packet query record stack token \
        union volume window axle barometer cabinet daemon easel fixture gallery hallway icon jar knapsack lever \
        module nozzle orbit pivot queen reactor segment tunnel upgrade vessel wrapper abacus beacon cinema depot \
        estuary freezer glossary hostel inbox jersey kennel lemon meadow nursery omelette pasture quiz ribbon \
        shuttle trumpet uniform vineyard walnut breakpoint cornfield dialect exponent fraction gradient histogram \
        integral junction kilometre logarithm median numerator operator polygon quotient radius sequence tangent",
    verbs: "parse bake deploy translate sort refactor summarise paint encrypt balance schedule debug harvest compile \
        draft measure rename simplify cache rotate validate illustrate merge polish budget index convert tune sketch \
        trace align assemble bundle calibrate classify decode estimate fetch gather highlight import join knit \
        label migrate normalise organise patch query rebuild sample trim unpack verify wrap archive blend carve \
        dissolve export filter group hide inspect juggle kindle launch model nest observe plot quantify replace \
        scan tabulate upload visit weave adjust batch clone derive expand fold generate hash isolate log map notify \
        outline parallelise quote render split throttle update vectorise warm",
    adjectives: "slow nested coastal broken weekly amber recursive cheap noisy portable vintage sparse legal humid \
        stale crisp modular fragile idle remote brittle circular dense elastic fuzzy golden hidden immutable jagged \
        keen lazy mutable narrow opaque partial quiet rusty shallow tidy urban verbose wooden young zealous abstract \
        bitter compact daily empty faded global hourly inner joint known local manual native optional private quick \
        random static tiny unsigned valid warm asynchronous blunt cyclic digital eager foreign gentle heavy internal \
        large minor nervous open plain rapid serial tall unique vivid wide annual binary clean double early final",
    topics: "thermodynamics bookkeeping astronomy gardening graph_theory tax_law baking cryptography linguistics \
        road_cycling set_theory photography beekeeping optics woodworking civil_procedure botany probability \
        chess_openings oceanography typography nutrition geometry embedded_systems sailing ceramics acoustics \
        genetics microeconomics game_design stoichiometry cartography combinatorics meteorology robotics",
    names: "Alma Bertil Carmen Dmitri Elif Farouk Greta Hamid Ines Jonas Katya Lorenzo Mirela Nnamdi Olga Piotr \
        Quentin Rosa Samir Tuuli Ursula Viktor Wanda Xenia Yusuf Zofia Anneke Bruno Chidi Dalia",
    roles: "tutor analyst reviewer engineer editor teacher examiner planner architect mathematician researcher \
        translator programmer chemist librarian physicist consultant grader debugger strategist",
    syllables: "ba ko ri lu ten mas vo del qui nar pos tri em sa fil gon ar wi plu cor hex dun",
    foreign: "größe straße könnten übersetzung zwölf für möglichst ändern schlüssel gemüse 数据 天气 请问 如何 \
        城市 代码 学习 时间 朋友 价格",
    adverbs: "slowly carefully briefly thoroughly plainly patiently rigorously calmly fully openly neatly exactly \
        frankly gradually honestly logically methodically precisely properly soundly steadily strictly",
    imperatives: "explain unfold describe justify derive show reason_through lay_out spell_out walk_me_through \
        account_for argue unpack narrate develop work_out demonstrate reconstruct detail clarify",
    connectives: "before after because whenever unless although so_that even_if provided_that while once_more_if as_soon_as \
        in_case given_that until wherever now_that just_as even_though rather_than as_long_as",
    modals: "never always should must may might ought_to need_to can will have_to seldom_should in_no_case do_not only \
        at_most_once by_all_means no_longer",
    beginnings: "You_are_a Act_as_a Serve_as_a As_a Be_a You_work_as_a Answer_as_a Imagine_a Pretend_to_be_a Consider_yourself_a \
        Speak_as_a Play_a Assume_you_are_a Here_you_are_a",
    openings: &[
        "write a python function that {v}s ",
        "can you help me with my {n} ",
        "what is the difference between {n} and {n}, ",
        "i am getting the following error: ",
        "please summarise the following text: ",
        "fix the grammar in this paragraph: ",
        "write a short email to {p} about ",
        "give me ten ideas for a {a} {n} ",
        "how do i {v} a {n} in javascript ",
        "explain like i am five: ",
        "translate this into german: ",
        "act as a senior {r} and look at ",
        "write unit tests for this code: ",
        "make this sound more professional: ",
        "hi! ",
        "create a sql query which ",
    ],
    sentences: &[
        "my {a} {n} keeps {v}ing the {n} after {#} {n}s",
        "{p} said the {n} was {a}, so we {v}ed {#} of {i}",
        "is {i} any good with {d} when {n}s are {a}?",
        "we tried to {v} {i} but the {a} {n} got {a}",
        "so far {i}.{i} has {#} {a} {n}s and one {n}",
        "should {p} {v} it before the {n} or {v} {n} first?",
        "the {n} in {d} class is {a} and {a}, {p} hates it",
        "i have {#} {n}s, {#} are {a}, some {v} {n}",
        "no {n} at all, only {a} {n} from {i}",
        "last {n} {p} and i {v}ed the {n} near {i}",
        "why does {i}({#}) {v} {a} {n}?",
        "need {n} + {n}, must {v} with {i} {#}.{#}",
        "our {n} costs {#} a month, {p} wants {a} {n}",
        "then {v} every {n} where {i} > {#} and {n} is {a}",
        "{a} {n}s never {v}; {a} ones {v} {n} too often",
        "in {d} they call that {n} a {a} {i}, right?",
        "it {v}s fine on {i}, yet {n} {#} shows {a} {n}",
        "use {n}, not {n}, {p} is {a} about {n}",
        "{f} {f} {n} {f} {i} {f}",
        "btw {i} {v}ed my {n}, {a} as ever",
        "maybe a {n} of {n}s with {a} {i}?",
        "about {#} {n}s {v} daily, {p} counts {a} ones",
    ],
    questions: &[
        "A {a} {n} holds {#} {n}s; {p} takes {#}. How many {n}s {v}?",
        "Implement {i}({n}, {n}) to {v} {a} {n}s in O({n}).",
        "If {#} {n}s {v} {#} {n}s, when does {p}'s {n} turn {a}?",
        "Design a {a} {n} to {v} {i} across {#} {n}s.",
        "In {d}, why would a {a} {n} {v} its {n}?",
        "Find x: {#}x + {#} = {#}, then {v} {i} by the {a} {n}.",
        "Bug: {i}.{v}() gives {a} {n} for {#}. Repair the {n}.",
        "{p} {v}s {#} {a} {n}s, {i} {v}s {#}. Compare {n} and {n}.",
        "Prove that no {a} {n} of {#} can {v} every {n} in {i}.",
        "Which {n} of {d} lets {p} {v} {#} {n}s?",
        "Port {i} from {n} to {a} {n} and {v} {#} cases.",
        "Given {n} {i}[{#}], {v} each {a} {n} under {#} {n}s.",
        "Outline {a} {n} for {d}: {n}, {n}, {i}, {#} {n}s.",
        "Why is {i} {a} once {p} {v}s the {n} of {d}?",
    ],
    follow_ups: &[
        "thanks",
        "continue",
        "can you explain that again?",
        "make it shorter",
        "that does not work",
        "and in {a} {n}?",
        "what about the {n}?",
        "why {v} {i}?",
        "ok now {v} the {n} too",
        "use {i} instead of {n} please",
        "no, {p} meant the {a} {n}",
        "same for {#} {n}s",
        "give me an example",
    ],
    instructions: &[
        "{o} {a} {r} of {d} who {v}s {a} {n}s for {p}.",
        "{c} you answer, {v} the {a} {n} and list {#} {n}s.",
        "{y} {w} how {a} {n} leads to {n} {c} {i} {v}s.",
        "Think of {n}, {n} and {a} {n} {c} {d} {v}s.",
        "{m} {v} the {n}; {v} {a} {n} or {i} instead.",
        "Write {#} {a} {n}s as {r}s {m} for {a} {n}.",
        "Check {a} {n} twice, {c} you {v} it {w}.",
        "Assume {n} is {a} {c} {d} {m} {v} it.",
        "State which {n} you {v} {c} it is {a}.",
        "Weigh {#} {a} {n}s, then {v} {n} {w}.",
        "Solve {a} {n}s {w}, as {a} {r}s {v} {n}s.",
        "Keep {n} and {n} apart {c} {a} {n}s {v}.",
        "Number {n}s, mark {a} ones by {i} {c} they {v}.",
        "{a} {r}s {m} {v} your {n}, so be {a}, {w}.",
        "Refer to {d} {c} a {n} {m} {v}.",
        "Put {a} {n} first, {n} of {i} after, {c} {v}ed.",
        "The {n} {m} stay {a} {c} {r}s {v} {n}.",
        "{y} it to {p}, {a} {r} of {i}, {w}.",
    ],
    formats: &[
        "End with {a} {n} inside <{i}> tags.",
        "Return {#} {a} lines {c} {n} {v}s.",
        "Close by {w} naming {n}s that {v}.",
        "{a} result after {i}: {n}, {w}.",
        "Output JSON: {i}, {i} and {n}.",
        "Finish {w}: {a} check of {n} in {d}.",
        "{m} stop before {#} {a} {n}s {v}.",
        "Then rate {n} from 1 to {#} as {r}.",
    ],
    marks: &[
        "### Task",
        "Input:",
        "Question:",
        "---",
        "[{i}]",
        "Problem {#}:",
    ],
    rules: &[
        "- {c} a user {m} {v} {n}, read {i} first; keep {n} {a}.",
        "- {m} {v} {a} {n}s outside {i} {c} asked {w}.",
        "- Prefer {a} edits; {v} {n} {c} it is {a}.",
        "- Run {i} {c} you {v} {n}; report {a} {n}s.",
        "- Tools: {i}, {i} take {n}; quote {a} paths {w}.",
        "- If {n}, {n} disagree, trust {a} {n}, {w}.",
        "- {m} mention {i}, {n} or {a} {n}s.",
        "- For {d} {w} {v} {n} {c} you {v} {i}.",
        "- Plans: at most {#} {n}s, {a} verbs, {c} {n}s {v}.",
        "- Commits {v} {n} {w}, under {#} {n}s.",
        "- {o} {a} {r} {c} {i} {v}s {n}.",
    ],
    products: &[
        "{o} {a} {n} helper of {i}; {v} {n}s {w}.",
        "Rewrite {n}s {c} they sound {a}; {m} lose {n}.",
        "Classify: {n}, {n} or {a} {n} ({i} board).",
        "Suggest {#} {a} {n}s, each under {#} {n}s.",
        "{o} {i} companion: {v} {n} and stay {a}.",
        "Use the {n} of {d}; {v} {n} {c} users did.",
        "{m} answer but from {n}s of {i}; {v} {a} gaps.",
        "Shorten {a} {n}s {w}, keep {i} {c} {n}s {v}.",
        "{p}'s {n} app {i}: {a}, {a}, {v} {n} {w}.",
    ],
    wrappers: &[
        ("<user_query>\\n", "\\n</user_query>"),
        ("<request>", "</request>\\n<env>shell=zsh</env>"),
        (
            "Task from the operator:\\n\\n",
            "\\n\\n(Respond with tool calls until done.)",
        ),
        ("<prompt kind=\\\"chat\\\">\\n", "\\n</prompt>"),
    ],
    code: &[
        "def {i}({i}, {n}={#}):",
        "    for {i} in {i}.{v}({#}):",
        "    if {n}_{i} > {#}: return {i}[{#}]",
        "    {i} = {n}.{v}({i}, {#})",
        "    raise {i}Error(\\\"{a} {n}\\\")",
        "Traceback: {i}.py line {#}, {n} is {a}",
        "{i},{p},{#},{a}",
        "const {i} = await {n}.{v}({#});",
    ],
};
