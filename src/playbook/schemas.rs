//! What templates may say: the variables of mail to leads, and of mail to staff.
//!
//! The engine fills these in (`engine/context.rs` for leads, `engine/staff_mail.rs` for staff); a template that
//! asks for anything else is refused at load. What may be missing is marked "may be missing": a template
//! says `{{default …}}` or `{{#if …}}` for it, and is tried at load with all of that missing (`samples.rs`).

use std::sync::LazyLock;

use crate::mail::render::{Field, Schema};

/// Variables of every step of every sequence.
pub static LEAD_MAIL: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(vec![
        Field::record("lead", "the person the mail goes to", person()),
        Field::record("campaign", "where the lead came in", campaign()),
        Field::record("sender", "who writes", sender()),
        Field::url("unsubscribe_url", "the page that takes the lead off the list"),
        Field::text(
            "contact_by",
            "until when somebody has promised to call or write, in mail that the lead asked for: \"Monday 2 March 10:30 (Europe/Berlin)\"; may be missing",
        ),
    ])
});

/// Variables of every mail to reps, managers and marketing.
pub static STAFF_MAIL: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(vec![
        Field::text("to_name", "the name of the person the mail goes to"),
        Field::record("lead", "the lead it is about", {
            let mut fields = person();
            fields.extend([
                Field::text("display", "\"Jane Doe, Acme\", or the address when no name is known"),
                Field::text("phone", "its number; may be missing"),
                Field::url("phone_url", "the number as a link to call; may be missing"),
                Field::url("email_url", "the address as a link to write to"),
                Field::text("local_time", "what its clocks show: \"Tue 10:05 in Europe/Berlin\""),
                Field::integer("score", "its points"),
                Field::text("grade", "its fit, A to D; may be missing"),
                Field::text("stage", "how far it has come"),
                Field::integer("round", "how often it has been nurtured from the start"),
            ]);
            fields
        }),
        Field::record("campaign", "where the lead came in", campaign()),
        Field::record(
            "call",
            "whether it may be called",
            vec![
                Field::boolean("now", "whether it may be called at once"),
                Field::text("words", "the same as a sentence: \"Yes, until 12:00 their time.\""),
            ],
        ),
        Field::texts("wrote", "what it wrote to us lately, line by line; may be missing"),
        Field::texts("reasons", "why it counts as ready, one sentence each"),
        Field::list(
            "touches",
            "where it came from each time, the first first",
            vec![
                Field::text("at", "when: \"Tue 3 Mar 2026\""),
                Field::text(
                    "words",
                    "source, medium, campaign and ad in one line: \"google · cpc · spring\"",
                ),
                Field::text("ad", "what the ad said or promised; may be missing"),
                Field::text("landing_page", "the page it arrived on; may be missing"),
            ],
        ),
        Field::list(
            "answers",
            "what it said in forms and surveys",
            vec![Field::text("question", "what was asked"), Field::text("answer", "what it said")],
        ),
        Field::list("behaviour", "what it did and read, the newest first, at most ten", line()),
        Field::list("history", "what happened since the hand-off, the oldest first", line()),
        Field::list(
            "earlier",
            "what became of earlier hand-offs, the last one first, at most three",
            vec![
                Field::text("what", "how it ended: \"62 days ago Robin Adler gave it back: Not ready yet.\""),
                Field::text("said", "what was said to it; may be missing"),
                Field::text("tried", "\"3 calls, 1 of them reached\"; may be missing: nothing was"),
                Field::text("heard", "what the lead objected, and what convinced it; may be missing"),
            ],
        ),
        Field::list(
            "work",
            "leads that marketing has to look at, in `work-list`",
            vec![
                Field::text("display", "\"Jane Doe, Acme\", or the address when no name is known"),
                Field::text("what", "\"Wrong or missing data, says Robin Adler on Tue 3 Mar.\""),
                Field::text("said", "what was said to it; may be missing"),
                Field::text("known", "address, number and company, as far as they are known"),
                Field::text("set", "the command that corrects it; may be missing"),
                Field::text("replace", "the command that names the right person; may be missing"),
                Field::text("merge", "the command that names the lead whose duplicate it is; may be missing"),
                Field::text("drop", "the command that gives it up; may be missing"),
                Field::list("buttons", "the same by links or answers", links()),
            ],
        ),
        Field::record(
            "promise",
            "what was promised; all of it is missing in `notice`, `operator`, `erased`, `behind`, `review` and `work-list`",
            vec![
                Field::text("what", "\"first contact within 8 business hours\""),
                Field::text(
                    "named",
                    "for a subject: \"Outcome of the talk\"; may be missing: it is first contact",
                ),
                Field::text("since", "when it began: \"Tue 3 Mar 09:00\""),
                Field::text("by", "when it falls due: \"Tue 3 Mar 14:00\""),
                Field::text("by_short", "the same for a subject: \"Tue 14:00\""),
                Field::boolean("broken", "whether that has passed"),
                Field::text("late", "how late it is found, when nobody looked in time; may be missing"),
                Field::text("zone", "the zone in which it is counted and told: \"Europe/Berlin\""),
                Field::text("total", "what was promised, as it is counted: \"8 h\""),
                Field::text(
                    "missing",
                    "what has not been done: \"You have logged no attempt to reach them.\"",
                ),
                Field::text(
                    "asks",
                    "what its rep has to do, as a subject begins: \"Call\", \"Take it or give it back\"",
                ),
                Field::text("ended_by", "what ends it: \"One logged attempt, reached or not, ends this.\""),
                Field::boolean("asks_for_contact", "whether a call or a mail to the lead is what is missing"),
                Field::text(
                    "over",
                    "what is over of the target at a level that the agreement puts at a time: \"2 of 4 business hours are over\"; may be missing",
                ),
                Field::text(
                    "unless",
                    "what follows first if nobody acts: \"Unless it is done by then, you and your manager are told.\"; may be missing",
                ),
                Field::texts(
                    "otherwise",
                    "what happens if nobody acts, and when, one sentence each; in `warning` and `escalation` what follows after `unless`",
                ),
                Field::list(
                    "counted",
                    "how the deadline was counted, interval by interval; of a long time the working time between two weekends is one",
                    vec![
                        Field::text("from", "its beginning: \"Tue 3 Mar 09:00\""),
                        Field::text("to", "its end, without the date when that is the same: \"12:00\""),
                        Field::text(
                            "counts",
                            "what it counts: \"1 h 30 min\"; may be missing: it does not count",
                        ),
                        Field::text("why", "counted, out of hours, a holiday, paused"),
                    ],
                ),
            ],
        ),
        Field::texts(
            "also_promised",
            "what else was promised at the hand-off, and by when, one sentence each",
        ),
        Field::record(
            "owner",
            "the rep who has the lead, or had it when the promise was broken; may be missing",
            vec![
                Field::text("name", "their name; may be missing"),
                Field::text("email", "their address; may be missing"),
                Field::url("email_url", "the address as a link to write to; may be missing"),
                Field::boolean("is_reader", "whether the mail goes to them"),
            ],
        ),
        Field::record("team", "the team for which leads wait, in `team-full`; may be missing", team()),
        Field::record(
            "incomplete",
            "what marketing has to find out, in `data-quality`; may be missing",
            incomplete(),
        ),
        Field::list("news", "the campaigns that are new or have changed, in `campaign-news`", news()),
        super::figures::fields(),
        Field::record(
            "dispute",
            "what each side says, in `dispute`; may be missing",
            vec![
                Field::text("reason", "why the lead was given back; may be missing"),
                Field::text("said", "what the rep said to it; may be missing"),
                Field::text("by", "who disagrees; may be missing"),
                Field::text("why", "what they say; may be missing"),
            ],
        ),
        Field::text("next_owner", "who has the lead now, when it was taken from its rep; may be missing"),
        Field::text("note", "what this mail is about, in words; may be missing"),
        Field::text("headline", "the same for a subject, in `notice`; may be missing"),
        Field::texts("quote", "in `notice`: the mail that it is about, line by line; may be missing"),
        Field::text("unless", "what happens if nobody acts on a `notice`; may be missing"),
        Field::text("zone", "the zone in which times are told: \"Europe/Berlin\"; may be missing"),
        Field::list("buttons", "what the reader can do about it by a link or an answer", links()),
        Field::list(
            "commitments",
            "in `behind`: what marketing promised and is behind with",
            vec![
                Field::text("title", "what it is called, whom it is about, and its period"),
                Field::text("pace", "how much of its period is over, one sentence"),
                Field::text("needed", "what it takes to keep it after all, one sentence; may be missing"),
            ],
        ),
        Field::list(
            "figures",
            "in `behind` and `review`: marketing's promises in numbers",
            vec![
                Field::text("about", "the commitment's name"),
                Field::text("what", "what was promised: \"qualified leads\""),
                Field::text("agreed", "how much of it: \"40\", \"at least 70%\""),
                Field::text("actual", "how much there is: \"11 (18 due by now)\""),
                Field::text("verdict", "how that stands: \"behind\""),
            ],
        ),
        Field::text("stock", "in `behind`: what is ready or nearly ready, in weeks; may be missing"),
        Field::record(
            "review",
            "in `review`: how the agreement was kept since it was signed; all of it is missing elsewhere",
            vec![
                Field::text("signed", "when and by whom: \"on 5 January 2026 by Ann and Tom\""),
                Field::text("due", "when it was to be looked at again: \"5 April 2026\""),
                Field::text("since", "from when the figures are"),
                Field::list("kept", "what sales promised, and how often that was kept", told()),
                Field::list("rejected", "why leads were sent back, and how often", told()),
                Field::list("fired", "the levels that were reached most often", told()),
            ],
        ),
        Field::list(
            "actions",
            "what the reader can do about it by commands, where there are no links",
            vec![Field::text("label", "what it does"), Field::text("command", "the command that does it")],
        ),
        Field::record("digest", "several leads at once, in `digest`, `call-list` and `away`", digest()),
        Field::list("calls", "the calls of a day, the most urgent first, in `call-list`", call()),
    ])
});

fn links() -> Vec<Field> {
    vec![
        Field::text("label", "what it does"),
        Field::url("link", "the page that does it, or the answer"),
        Field::boolean("main", "whether it is what most readers want"),
    ]
}

fn digest() -> Vec<Field> {
    let lines = vec![
        Field::text("display", "which lead: \"Jane Doe, Acme\""),
        Field::text("words", "what is to be said of it"),
        Field::text("todo", "what its own rep can do: \"Call +49 30 901820\"; may be missing"),
        Field::url("todo_url", "the link that does it; may be missing"),
        Field::text("act", "what the reader can do about it: \"Log it, or give it back\"; may be missing"),
        Field::url("act_url", "the page that does it, or the answer; may be missing"),
    ];
    vec![
        Field::text("headline", "how many of what: \"5 leads overdue, 2 due soon\""),
        Field::text("worst", "the most urgent one: \"Jane Doe, Acme since Mon 2 Mar 10:30\"; may be missing"),
        Field::text("late", "how much of it is found late; may be missing"),
        Field::text("back", "when a rep who is away is back; may be missing"),
        Field::list(
            "groups",
            "the leads by their reps, whoever has the most urgent one first",
            vec![
                Field::text("heading", "whose, and how many: \"Robin Adler: 3 leads\""),
                Field::text("ask", "\"Ask Robin Adler\"; may be missing"),
                Field::url("ask_url", "the rep's address as a link to write to; may be missing"),
                Field::list("lines", "the leads, the most urgent first", lines),
                Field::text("more", "those for whom there is no room, by name; may be missing"),
            ],
        ),
        Field::texts("settled", "what is over meanwhile"),
    ]
}

fn call() -> Vec<Field> {
    vec![
        Field::text("display", "which lead: \"Jane Doe, Acme\""),
        Field::text("title", "job title; may be missing"),
        Field::text("phone", "its number; may be missing"),
        Field::url("phone_url", "the number as a link to call; may be missing"),
        Field::text("email", "its address"),
        Field::url("email_url", "the address as a link to write to"),
        Field::text("local_time", "what its clocks show: \"Tue 10:05 in Europe/Berlin\""),
        Field::text("call_words", "whether it may be called now, as a sentence"),
        Field::text("what", "what is owed: \"First contact\""),
        Field::text("due", "until when: \"by 11:30\""),
        Field::text("last", "that the list says it for the last time; may be missing"),
        Field::texts("tried", "what was tried, the oldest first"),
        Field::text("act", "what its rep can do about it: \"Log it, or give it back\"; may be missing"),
        Field::url("act_url", "the page that does it, or the answer; may be missing"),
    ]
}

fn person() -> Vec<Field> {
    vec![
        Field::text("email", "its address"),
        Field::text("first_name", "given name; may be missing"),
        Field::text("last_name", "family name; may be missing"),
        Field::text("full_name", "both, or the one that is known; may be missing"),
        Field::text("company", "the company's name; may be missing"),
        Field::text("title", "job title; may be missing"),
        Field::text("country", "ISO code; may be missing"),
        Field::text("source", "where it first came from; may be missing"),
    ]
}

fn campaign() -> Vec<Field> {
    vec![
        Field::text("name", "its name in the agreement; may be missing"),
        Field::text("brief", "what it is about and promised; may be missing"),
        Field::text("incentive", "what was offered; may be missing"),
    ]
}

fn team() -> Vec<Field> {
    vec![
        Field::text("name", "its name in the agreement; may be missing"),
        Field::integer("waiting", "how many leads wait for its reps; may be missing"),
        Field::text("since", "since when the first of them has been ready; may be missing"),
        Field::integer("open", "how many leads its reps have open; may be missing"),
        Field::integer("capacity", "how many they can have open; may be missing"),
        Field::list(
            "reps",
            "each of its reps",
            vec![
                Field::text("name", "the rep's name"),
                Field::text("words", "how full they are: \"30 of 30 open, 12 of 12 new this week\""),
            ],
        ),
        Field::texts("campaigns", "how many leads of which campaign wait: \"webinar: 12\""),
        Field::boolean("is_reader_s", "whether the mail goes to its manager; may be missing"),
        Field::boolean("full", "whether somebody of it is full: otherwise all are away; may be missing"),
    ]
}

fn news() -> Vec<Field> {
    vec![
        Field::text("name", "the campaign's name in the agreement"),
        Field::boolean("is_new", "whether nothing of it was known"),
        Field::text("brief", "what it is about; may be missing"),
        Field::text("incentive", "what leads are offered; may be missing"),
        Field::text("first_send", "until when its leads are not written to; may be missing"),
        Field::list(
            "mails",
            "what its leads are written, in order",
            vec![
                Field::text("subject", "the subject"),
                Field::list(
                    "paragraphs",
                    "the text, paragraph by paragraph",
                    vec![Field::texts("lines", "the lines of which it consists")],
                ),
            ],
        ),
    ]
}

fn incomplete() -> Vec<Field> {
    vec![
        Field::integer("new", "how many leads came onto the list; may be missing"),
        Field::integer("all", "how many stand on it; may be missing"),
        Field::integer("more", "how many of the new ones this mail does not list; may be missing"),
        Field::list(
            "leads",
            "the new ones",
            vec![
                Field::text("display", "\"Jane Doe, Acme\", or the address when no name is known"),
                Field::text("email", "its address, when that is not shown already; may be missing"),
                Field::text("campaign", "the campaign that requires it"),
                Field::text("missing", "what is not known: \"phone, answer to “Budget?”\""),
                Field::text("score", "\"score 62, grade A\""),
                Field::url("fill_in_url", "the page where it is filled in, or the answer; may be missing"),
            ],
        ),
        Field::boolean("by_command", "whether there is neither page nor mailbox for it; may be missing"),
    ]
}

fn sender() -> Vec<Field> {
    vec![
        Field::text("name", "the name mail comes from"),
        Field::text("company", "the company mail comes from"),
        Field::text("postal_address", "its postal address; may be missing"),
    ]
}

fn told() -> Vec<Field> {
    vec![Field::text("what", "what"), Field::text("words", "how often, in words")]
}

fn line() -> Vec<Field> {
    vec![Field::text("at", "when"), Field::text("words", "what")]
}
