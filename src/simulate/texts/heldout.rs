//! The texts to measure by: other words, and other ways to put them.

use super::grammar::Source;

/// Words and sentences; see [`Source`] for what the letters in braces stand for.
pub(super) const HELD_OUT: Source = Source {
    nouns: "acrobat ballot canoe dentist ember falcon guitar hospital island jungle knight lagoon mosaic nephew oyster \
        pilot quartz raccoon sculptor tavern urn viola waiter yacht zebra airline brewery coupon ditch embassy ferry \
        granite harvester inventory jury kayak landlord merchant nutrient opera pension quota referee satellite tenant \
        unicorn vaccine witness allergy bishop cottage dolphin election fabric ginger helmet insect jeweller karate \
        leopard museum nurse olive pharmacy quiver railway senator tailor usher vulture wizard antenna barrel circuit \
        dividend enzyme fossil galaxy hormone isotope jaguar kidney lobster molecule neuron organism protein quasar \
        retina spectrum tissue uranium virus wavelength atom bacterium chromosome diode electron fungus genome \
        hypothesis ion joule lens magnet neutron oxide plasma resistor skeleton toxin vertebra weld artery bond \
        catalyst density equator friction gland hemisphere inertia laser momentum nebula osmosis pendulum radar seed \
        tide ulcer velocity whale yeast auction broker cashier dealer export fee grant heir inflation loan market \
        notary option pledge rebate stock tariff voucher wage actor ballet chorus drummer easter flute gong harp \
        jazz lyric mural note organ piano rhyme sonata tempo verse waltz apron biscuit carrot dumpling fig gravy \
        honey jam kale lentil mango noodle onion pepper radish salad toast vinegar waffle bishopric castle dungeon \
        empire fortress guild herald invasion knighthood legion monarch noble oath peasant quest rebellion siege \
        treaty uprising viking warrior",
    verbs: "negotiate rehearse diagnose irrigate vaccinate auction compose ferment lecture prosecute rescue sculpt \
        televise appraise broadcast charter donate elect forecast graft hire insure judge knead lend mediate nominate \
        operate predict recruit sail teach unveil vote weigh absorb bend collide diffuse emit float graze heat ignite \
        jump kick lift melt nourish oscillate pollinate radiate sink tow vibrate wander annex besiege conquer defend \
        exile free guard heal invade lament march obey plead reign settle trade unite vanquish worship brew chop dice \
        eat fry grate infuse marinate peel roast season toss whisk",
    adjectives: "arctic brave clumsy dusty elegant feudal grumpy hollow icy jolly kosher lunar marine nimble organic \
        polite regal salty toxic unfair viral wealthy acidic buoyant chronic dormant electric fertile genetic hostile \
        infectious juvenile kinetic lethal magnetic neutral orbital polar quantum radiant solar thermal unstable \
        volatile aquatic bankrupt civic diplomatic ethical federal gothic heroic imperial judicial liberal medieval \
        neoclassical official papal royal secular tribal vocal baroque creamy crunchy fried garlicky juicy minty \
        peppery ripe smoky spicy sweet tender zesty ancient bilingual cheerful devoted fearless gifted humble loyal",
    topics: "immunology naval_history contract_bridge volcanology opera pathology numismatics labour_economics \
        astrophysics theology veterinary_science ethics folklore criminology horticulture hydrology semiotics \
        palaeontology diplomacy choreography actuarial_science metallurgy pharmacology rhetoric ornithology \
        electrodynamics anthropology jurisprudence epidemiology fluid_mechanics number_theory logic",
    names: "Abiodun Beatriz Callum Deepika Esteban Freya Giulia Hiroshi Imani Jasper Keiko Leila Mateus Noor Oisin \
        Priya Rafael Saoirse Takumi Umar Valentina Willem Ximena Yara Zeynep Agnes Boris Celeste Darius Emiko",
    roles: "judge barrister curator surgeon navigator historian ethicist broker diplomat journalist statistician \
        playwright detective biologist geologist auditor coach critic inspector sommelier",
    syllables: "shi mo ran zel fu kip jo wer lan dry ob che ust nik py gra tho lim ev yu sed cam",
    foreign: "mañana corazón también años español pequeño señora días rápido después 質問 料理 電車 勉強 東京 \
        お願い ください 会社 音楽 明日",
    adverbs: "faithfully cautiously vividly tersely earnestly candidly fluently generously gracefully inwardly \
        keenly lucidly modestly nobly overtly promptly quietly reverently shrewdly tactfully warily wisely",
    imperatives: "recount elucidate chart retrace expound dissect set_forth illuminate sum_up analyse map_out \
        comment_on substantiate trace_back deduce infer break_down render explore appraise",
    connectives: "lest whereas albeit insofar_as supposing on_condition that hence for_as_long if_ever by_which whereby \
        whither notwithstanding inasmuch_as seeing_that but_when till_the_day then",
    modals: "shall would rarely at_times hardly_ever are_to could cannot mostly certainly gladly by_default on_request \
        without_fail in_turn if_asked thrice",
    beginnings: "Role: Persona: Voice_of_a Our_resident The_on-call Today's_guest, Embody_a Cast: Acting_as_our Chair: \
        Staff_member, Incarnate_a Thinks_like_a In_the_shoes_of_a",
    openings: &[
        "Tell me about {n}s. ",
        "Who was the first {r} to ",
        "I want a story in which a {a} {n} ",
        "Hello, quick question regarding ",
        "Compose a poem on ",
        "Could you proofread my essay? ",
        "What would happen if ",
        "Plan a three day trip to ",
        "Dear assistant, ",
        "Suggest names for my {n} ",
        "Is it true that {n}s ",
        "List the pros and cons of ",
        "Convert the table below to markdown ",
        "How many {n}s are there in ",
        "Roleplay: you are a {a} {n}. ",
        "Create flash cards on ",
    ],
    sentences: &[
        "Yesterday a {a} {n} {v}ed {p}, {#} {n}s {v}ed back",
        "Between {n} and {n}, {p} chose {a} {i} for {#}",
        "Do {a} {n}s of {i} {v}, or must {p}'s {n}?",
        "{d}: {n} {#}, {a} {n}, {i}; {v} or not",
        "Her {n} can't {v} {i}, whose {a} {n} is {a}",
        "Given {#} {a} {n}s, {i} {v}s {n} best",
        "Without {n} nobody {v}s; {p} {v}s {a} {n}",
        "{p}, {p} and {#} {n}s {v} on {i} street",
        "Any {a} {n} that {v}s {n} beats {i} {#}",
        "Until {i} {v}s, every {n} stays {a}, says {p}",
        "{n}? {a}. {n}? {a}, {i} {#} {n}s at most",
        "From {i} to {i}: {#} {n}s, {a} {n}, {n}",
        "Under {d} rules {p} may {v} {#} {a} {n}s",
        "Each {n} {v}s {p} {a}ly; {i} less, {n} more",
        "{f} {n} {f} {f} {i} {f}",
        "Whenever {n}s {v}, {a} {i} {v}s {#} {n}s",
        "Half {i}'s {n}s are {a}, {#} {v} {p}",
        "Neither {n} nor {a} {n} {v}ed {i} in {#}",
        "Imagine {p} as {a} {n}: {v}, {v}, {i}",
        "{#} years of {d} taught {p} to {v} {a} {n}s",
    ],
    questions: &[
        "Suppose {p} must {v} {#} {a} {n}s with {i}; {n} costs {#}?",
        "During {d} exams a {n} {v}s {#} {n}s. Is {i} {a}?",
        "Let {i} be {a}. For {n} {#}, does its {n} {v}?",
        "Of {#} {n}s {p} {v}s {#} per {n}; {a} ones remain when?",
        "Script: {v} {i} records, {a} {n} > {#}, by {n}, skip {n}.",
        "What makes {a} {n} {v} whereas {i} {v}s in {d}?",
        "Rank {n}, {n}, {a} {n}, {i} as {d} would, {#} marks.",
        "At {#} {n}s/h {p}'s {a} {n} {v}s {i}. Distance?",
        "Should {i} {v} {a} {n}s? Cite {#} {n}s of {d}.",
        "Two {n}s, {#} and {#} {a}, {v} {i}; whose {n} wins?",
        "Trace {i}: {n}={#}, {a} loop, {v} while {n} < {#}.",
        "Between {p} and {i}, who {v}s {#} {a} {n}s, and why {n}?",
    ],
    follow_ups: &[
        "Great!",
        "Go on",
        "More detail please",
        "Are you sure?",
        "Wrong answer",
        "But {p} {v}s {n}",
        "Now {a}, with {n}",
        "Say it as {p} would",
        "What else {v}s {i}?",
        "Table form, {#} rows",
        "Hmm, {n} or {i}?",
        "Once more",
        "Any source?",
    ],
    instructions: &[
        "{o} {a} {r}. Field: {d}. Duty: {v} {n}s.",
        "It counts {c} {n}s {v}; {y} {a} {n} {w}.",
        "1) {v} {n} 2) {v} {a} {n} 3) {y} {i}",
        "Readers: {a} {r}s, {m} have {n} and {a} {n}.",
        "## {n}\\nOnly {a} {n}s of {d}, {w} {v}ed.",
        "Whoever {v}s {n} owes {a} {n}: {y} both.",
        "Treat {d} as {a}; {n}s {c} {v} need {#} {n}s.",
        "Where {n} fails, {v}; if {a} {n} holds, {y}.",
        "{#} {a} {n}s {m} come, {n} {w} after {n}.",
        "Style {i}: {a}, {a}, no {n}, {v} {w}.",
        "{r}s read it {c} they {v} {n}; {a} {n}s {m} stay.",
        "Doubt {n}s. {y} {a} ones. {v} {i} {w}.",
        "Objective = {v} {a} {n} {c} {d} {m} {v}.",
        "Contrast {n} with {a} {n}, {w} {v} {n}.",
        "{p} of {i} {m} {v} {a} {n}; {y} {n}.",
        "[{a}] {n} -> {n}, {w}, {c} {r}s {v}.",
    ],
    formats: &[
        "Key: {i} = {a} {n}.",
        "({#} {n}s, {a} headings, {n} {w})",
        "Last row: \\\"{i}\\\" | {n} | {a}",
        "Verdict {w} on {a} {n}, grade {#}.",
        "YAML: {i}, {n}, {a}_{n}.",
        "Sign as {a} {r} {i}.",
        "Length {#} {n}s; {v} {c} {a}.",
    ],
    marks: &[
        "Case >>",
        "=== {i} ===",
        "Q{#}.",
        "\\\"\\\"\\\"",
        "Material ({i}):",
        "Now this one ->",
    ],
    rules: &[
        "{#}. {c} one opens {i}, {v} its {n}; {a} change {m} land.",
        "{#}. Files in {i}/ are {a} {n}s; {m} {v} {n}.",
        "{#}. Speak {w}, {a} {n}s, skip {n} {c} {v}ed.",
        "{#}. Failing {n}s {m} be {v}ed, then {i} {w}.",
        "{#}. Secrets, {n}s, {a} {n}s {m} reach {i}.",
        "{#}. Tool {i} {v}s {n}s; pass {a} {n} {w}.",
        "{#}. Ask {#} {n}s {c} {a} {n} {v}s.",
        "{#}. In {d}, {y} {n} {w}, cite {i}.",
        "{#}. Over {#} {n}s split by {a} {n} {w}.",
        "{#}. {o} {a} {r}, {m} {v} {i}.",
    ],
    products: &[
        "{i} Desk: {a}, {a}, fond of {n}s. {m} {v} {n}.",
        "Turn it {w} to {a} {n} post, {#} {n}s, {c} {v}ed.",
        "Extract {n}, {n}, {a} {n}; null {c} {i} {v}s.",
        "Coach {i}: mirror {n}, {v} {a} {n}, {m} {v}.",
        "Subtitles. {a} lines, {#} {n}s, {n} names {w}.",
        "Grade {n} by {d} rules, {w}, {a} and {a}.",
        "{o} {n} host of {i}; {a} {n}s {m} {v}.",
        "Menu {i}: {n} | {a} {n} | {v} {n} {w}.",
    ],
    wrappers: &[
        ("[[human]] ", " [[/human]]"),
        (
            "{\\\"ask\\\": \\\"",
            "\\\", \\\"mode\\\": \\\"interactive\\\"}",
        ),
        (
            "--- instruction begins ---\\n",
            "\\n--- instruction ends; tools ready ---",
        ),
        ("@dev wrote:\\n> ", "\\n\\nreply as the workspace agent"),
    ],
    code: &[
        "fn {i}({n}: &{i}) -> u{#} {{",
        "  let {i} = {n}.{v}(|{i}| {#});",
        "  match {i} {{ {#} => {n}::{i}, _ => {a} }}",
        "panic at {i}.rs:{#}: {a} {n}",
        "{p};{i};{#};{n}",
        "SELECT {n}, {i} FROM {n}_{i} WHERE {a} < {#};",
        "[{#}] {i}: {n} {v} -> {a}",
    ],
};
