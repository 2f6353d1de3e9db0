//! Every mail of the built-in playbook, as its reader gets it.
//!
//! Three leads: one of whom everything is known, one of whom nothing is, and one whose name and company are
//! written to break out of the mail. The snapshots hold the subject, the preheader, the text part and the HTML
//! part's content; the frames have snapshots of their own, once each. After a change on purpose run
//! `INSTA_UPDATE=always cargo test --test letters` and read the difference.
//!
//! With `LETTERS_DIR` set, the HTML parts are written there too, to be looked at in a browser.

use nurtured::mail::render::Rendered;
use nurtured::playbook::samples::{Sample, lead_sample, staff_sample};
use nurtured::playbook::{LEAD_LAYOUT, Playbook, PlaybookFiles, STAFF_LAYOUT};
use serde_json::{Value, json};

/// What a lead could put into its name, and into its company.
const HOSTILE_NAME: &str = "*Bob* <b>{{x}}";
const HOSTILE_COMPANY: &str = "[x](javascript:alert(1))";

/// The mails to staff that the engine writes.
const STAFF: &[&str] = &[
    "hand-off",
    "warning",
    "escalation",
    "reassigned",
    "notice",
    "operator",
    "digest",
    "call-list",
    "away",
    "behind",
    "review",
    "team-full",
    "data-quality",
    "campaign-news",
    "report",
    "work-list",
    "dispute",
    "erased",
];

fn playbook() -> Playbook {
    match Playbook::load(&PlaybookFiles::builtin()) {
        Ok(playbook) => playbook,
        Err(problems) => panic!("{problems}"),
    }
}

/// The name of every mail, and the frame it goes out in.
fn mails(playbook: &Playbook) -> Vec<(String, &'static str)> {
    let steps = playbook.sequences.values().flat_map(|sequence| {
        sequence.steps.iter().map(|step| (format!("{}/{}", sequence.name, step.name), LEAD_LAYOUT))
    });
    steps.chain(STAFF.iter().map(|name| (format!("staff/{name}"), STAFF_LAYOUT))).collect()
}

fn values(mail: &str, sample: Sample) -> Value {
    match mail.strip_prefix("staff/") {
        Some(name) => staff_sample(name, sample),
        None => lead_sample(sample),
    }
}

/// A lead that filled in our form with a purpose.
fn hostile(mail: &str) -> Value {
    let mut values = values(mail, Sample::Rich);
    if let Some(lead) = values.get_mut("lead") {
        for field in ["first_name", "last_name", "full_name", "title"] {
            lead[field] = json!(HOSTILE_NAME);
        }
        lead["company"] = json!(HOSTILE_COMPANY);
        lead["source"] = json!("| a | b |\n\n# c");
        if lead.get("display").is_some() {
            lead["display"] = json!(format!("{HOSTILE_NAME}, {HOSTILE_COMPANY}"));
        }
    }
    if let Some(answers) = values.get_mut("answers") {
        *answers = json!([{ "question": "`a` | b", "answer": "\n\n1. <script>alert(1)</script>" }]);
    }
    if let Some(earlier) = values.get_mut("earlier") {
        for told in earlier.as_array_mut().into_iter().flatten() {
            if told.get("said").is_some() {
                told["said"] = json!("</li><script>alert(1)</script> **x** [y](javascript:alert(1))");
            }
        }
    }
    if let Some(dispute) = values.get_mut("dispute").filter(|dispute| dispute.get("why").is_some()) {
        dispute["why"] = json!("</p><script>alert(1)</script>\n\n# x");
        dispute["said"] = json!(HOSTILE_COMPANY);
    }
    for lead in values.get_mut("work").and_then(Value::as_array_mut).into_iter().flatten() {
        lead["display"] = json!(format!("{HOSTILE_NAME}, {HOSTILE_COMPANY}"));
        lead["known"] = json!("`x`@acme.example · <img src=x>");
    }
    if let Some(touches) = values.get_mut("touches") {
        *touches = json!([{
            "at": "Tue 3 Mar 2026",
            "words": "a|b\n- c",
            "ad": "![x](https://evil.example/pixel.png)",
            "landing_page": "javascript:alert(1)",
        }]);
    }
    values
}

fn render(playbook: &Playbook, (mail, layout): &(String, &str), values: &Value) -> Rendered {
    match playbook.templates.render(mail, layout, values) {
        Ok(rendered) => rendered,
        Err(error) => panic!("{mail}: {error}"),
    }
}

/// The HTML part without its frame's head, whose snapshot is another.
fn body(html: &str) -> &str {
    let start = html.find("<body").expect("the layouts have a body");
    &html[start..]
}

fn letter(rendered: &Rendered) -> String {
    format!(
        "Subject: {}\nPreheader: {}\n\n{}\n======== HTML ========\n{}",
        rendered.subject,
        rendered.preheader.as_deref().unwrap_or("-"),
        rendered.text,
        body(&rendered.html),
    )
}

fn snapshot(kind: &str, values: impl Fn(&str) -> Value) {
    let playbook = playbook();
    for mail in mails(&playbook) {
        let rendered = render(&playbook, &mail, &values(&mail.0));
        let name = format!("{}@{kind}", mail.0.replace('/', "-"));
        if let Some(dir) = std::env::var_os("LETTERS_DIR") {
            let file = std::path::Path::new(&dir).join(format!("{name}.html"));
            std::fs::write(file, &rendered.html).expect("LETTERS_DIR is a folder one can write to");
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, letter(&rendered));
        });
    }
}

#[test]
fn mails_about_a_lead_of_whom_everything_is_known() {
    snapshot("rich", |mail| values(mail, Sample::Rich));
}

#[test]
fn mails_about_a_lead_of_whom_only_the_address_is_known() {
    snapshot("bare", |mail| values(mail, Sample::Bare));
}

#[test]
fn mails_about_a_lead_that_tries_to_break_out() {
    snapshot("hostile", hostile);
}

#[test]
fn nothing_a_lead_says_becomes_a_tag_a_link_or_a_header() {
    let playbook = playbook();
    for mail in mails(&playbook) {
        let tame = render(&playbook, &mail, &values(&mail.0, Sample::Rich));
        let wild = render(&playbook, &mail, &hostile(&mail.0));
        let html = wild.html.to_ascii_lowercase();
        for bad in ["<b>", "<script", "<img", "href=\"javascript", "pixel.png)\"", "<em>bob"] {
            assert!(!html.contains(bad), "{}: {bad}", mail.0);
        }
        assert!(!wild.subject.contains('\n'), "{}", mail.0);
        // As many elements as with harmless values: lists of the same length, and nothing added.
        if !mail.0.ends_with("hand-off") {
            assert_eq!(wild.html.matches('<').count(), tame.html.matches('<').count(), "{}", mail.0);
        }
        let links = |html: &str| html.matches(" href=\"").count();
        assert_eq!(links(&wild.html), links(&tame.html), "{}", mail.0);
    }
}

#[test]
fn every_mail_to_a_lead_can_be_ended_and_says_who_writes() {
    let playbook = playbook();
    for mail in mails(&playbook).into_iter().filter(|(_, layout)| *layout == LEAD_LAYOUT) {
        let rendered = render(&playbook, &mail, &lead_sample(Sample::Rich));
        for part in [&rendered.html, &rendered.text] {
            assert!(part.contains("https://nurtured.ours.example/u/sample"), "{}", mail.0);
            assert!(part.contains("Ours Ltd"), "{}", mail.0);
        }
    }
}

#[test]
fn the_hand_off_begins_with_the_call() {
    let playbook = playbook();
    let mail = ("staff/hand-off".to_owned(), STAFF_LAYOUT);
    let rendered = render(&playbook, &mail, &staff_sample("hand-off", Sample::Rich));
    assert_eq!(rendered.subject, "Call by Wed 11:35: Jane Doe, Acme");
    assert!(rendered.text.starts_with("Call +493090182000"), "{}", rendered.text);
    let mut values = staff_sample("hand-off", Sample::Rich);
    values["call"] =
        json!({ "now": false, "words": "Not before 13:30 their time: outside the lead's hours." });
    let rendered = render(&playbook, &mail, &values);
    assert!(rendered.text.starts_with("Do not call now."), "{}", rendered.text);
    let button = rendered.html.find("role=\"presentation\"").unwrap_or(usize::MAX);
    let number = rendered.html.find("tel:").expect("the number is there for later");
    assert!(number < button, "no button invites to call now");
}

/// The built-in playbook with one more line in a file.
fn with(path: &str, line: &str) -> PlaybookFiles {
    let mut files = PlaybookFiles::builtin();
    let text = format!("{}\n{line}\n", files.get(path).unwrap_or_default());
    files.insert(path, text);
    files
}

#[test]
fn a_value_that_may_be_missing_and_is_not_guarded_is_a_problem_of_its_file() {
    for path in ["sequences/welcome/01-hello.md", "staff/hand-off.md", "partials/signature.md"] {
        let files = with(path, "We hear from {{lead.company}} often.");
        let problems = Playbook::load(&files).expect_err("half of the leads have no company");
        assert_eq!(problems.len(), 1, "{problems}");
        let problem = problems.iter().next().expect("there is one");
        let span = problem.span.clone().expect("it has a place");
        assert_eq!(problem.file, path);
        assert_eq!(files.get(path).and_then(|text| text.get(span)), Some("lead.company"));
        assert_eq!(problem.message, "`lead.company` may be missing");
        assert!(problem.hint.as_deref().is_some_and(|hint| hint.contains("{{#if lead.company}}")));
    }
}

#[test]
fn what_is_guarded_is_no_problem() {
    for line in [
        "{{default lead.company \"your company\"}}",
        "{{#if lead.company}}{{lead.company}}{{/if}}",
        "{{#unless lead.company}}Where do you work?{{else}}{{lead.company}}{{/unless}}",
    ] {
        let loaded = Playbook::load(&with("sequences/welcome/01-hello.md", line));
        assert!(loaded.is_ok(), "{line}: {}", loaded.expect_err("it is not ok"));
    }
}

#[test]
fn a_mail_that_tells_the_promise_where_there_is_none_is_a_problem() {
    for (path, line, variable) in [
        ("staff/notice.md", "Due {{promise.by}}.", "promise.by"),
        ("staff/operator.md", "About {{lead.email}}.", "lead.email"),
    ] {
        let problems = Playbook::load(&with(path, line)).expect_err("it cannot be written");
        assert!(problems.to_string().contains(&format!("`{variable}` may be missing")), "{problems}");
    }
}
