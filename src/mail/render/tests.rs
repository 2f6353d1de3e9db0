//! Rendering as its users meet it: whole templates in, whole mails or problems out.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn schema() -> Schema {
    Schema::new(vec![
        Field::record(
            "lead",
            "the person",
            vec![
                Field::text("first_name", "given name"),
                Field::text("company", "employer"),
                Field::integer("score", "points"),
                Field::boolean("returning", "has been a lead before"),
                Field::date("created_at", "when the lead came"),
                Field::url("site", "web site"),
                Field::texts("interests", "what it asked about"),
            ],
        ),
        Field::record("sender", "who writes", vec![Field::text("name", "full name")]),
        Field::record("unsubscribe", "", vec![Field::url("link", "one click")]),
        Field::list(
            "touches",
            "where it came from",
            vec![
                Field::text("source", "site or fair"),
                Field::date("at", "when"),
                Field::integer("visits", ""),
            ],
        ),
    ])
}

fn values() -> Value {
    json!({
        "lead": {
            "first_name": "Ann", "company": "Smith & Sons", "score": 42, "returning": true,
            "created_at": "2026-03-09T14:30:00+01:00[Europe/Berlin]", "site": "https://smith.example/?a=1&b=2",
            "interests": ["prices", "security"],
        },
        "sender": {"name": "Rae Rep"},
        "unsubscribe": {"link": "https://ours.example/u/abc"},
        "touches": [
            {"source": "Fair | Berlin", "at": "2026-03-01", "visits": 1},
            {"source": "Newsletter", "at": "2026-03-05", "visits": 12},
        ],
    })
}

fn template(subject: &str, body: &str) -> TemplateSource {
    let text = format!("+++\nsubject = \"{subject}\"\n+++\n{body}");
    let start = text.len() - body.len();
    TemplateSource {
        name: "t".to_owned(),
        file: "t.md".to_owned(),
        body: start..text.len(),
        subject: subject.to_owned(),
        subject_span: 14..16 + subject.len(),
        preheader: None,
        text,
    }
}

fn partial(name: &str, text: &str) -> PartialSource {
    PartialSource { name: name.to_owned(), file: format!("partials/{name}.md"), text: text.to_owned() }
}

fn layout(name: &str, text: &str) -> LayoutSource {
    LayoutSource { name: name.to_owned(), file: format!("layouts/{name}.hbs"), text: text.to_owned() }
}

fn compile(template: TemplateSource, partials: Vec<PartialSource>) -> (Templates, Problems) {
    let mut problems = Problems::new();
    let schema = schema();
    let templates = Templates::compile(
        vec![template],
        partials,
        vec![layout("bare", "{{{content}}}")],
        |_| &schema,
        &mut problems,
    );
    (templates, problems)
}

/// The mail of a template that has no mistakes.
fn render(body: &str, context: &Value) -> Result<Rendered, RenderError> {
    let (templates, problems) = compile(template("Hello", body), vec![]);
    assert!(problems.is_empty(), "{problems}");
    templates.render("t", "bare", context)
}

fn text(body: &str) -> String {
    render(body, &values()).map(|mail| mail.text).unwrap_or_else(|error| panic!("{body}: {error}"))
}

#[test]
fn every_mistake_is_reported_at_its_exact_place() {
    for (body, place, message, hint) in [
        ("Hi {{lead.frist_name}}!", "lead.frist_name", "no variable", "did you mean `lead.first_name`?"),
        ("Hi {{leed.first_name}}!", "leed.first_name", "no variable", "did you mean `lead.first_name`?"),
        ("Hi {{first_name}}!", "first_name", "no variable", "did you mean `lead.first_name`?"),
        ("Hi {{lead.zzz}}!", "lead.zzz", "no variable", "the fields of `lead` are first_name, company"),
        ("Hi {{zzz}}!", "zzz", "no variable", "the fields are lead, sender"),
        ("{{#if lead.skore}}a{{/if}}", "lead.skore", "no variable", "`lead.score`"),
        ("{{#if (gt lead.skore 3)}}a{{/if}}", "lead.skore", "no variable", "`lead.score`"),
        ("{{#if lead.score}}a{{else if lead.x}}b{{/if}}", "lead.x", "no variable", ""),
        ("{{#each touches}}{{sauce}}{{/each}}", "sauce", "no variable", "`source`"),
        ("{{#each touches}}{{lead.score}}{{/each}}", "lead.score", "no variable", "`../lead.score`"),
        ("{{#each touches}}{{../lead.scor}}{{/each}}", "../lead.scor", "no variable", "lead.score"),
        ("{{../lead.score}}", "../lead.score", "outside of `{{#each}}`", ""),
        ("{{@index}}", "@index", "outside of `{{#each}}`", ""),
        ("{{#each lead.company}}{{x}}{{/each}}", "lead.company", "not a list", ""),
        ("{{lead}}", "lead", "a group of fields cannot be shown", ""),
        ("{{touches}}", "touches", "a list cannot be shown", "{{#each"),
        ("{{lead.returning}}", "lead.returning", "true or false cannot be shown", "{{#if"),
        ("{{lead.created_at}}", "lead.created_at", "a date cannot be shown", "{{date lead.created_at"),
        ("{{lead.company.name}}", "lead.company.name", "no variable", "`lead.company` is text"),
        ("{{defualt lead.company \"x\"}}", "defualt", "no helper `defualt`", "`default`"),
        ("{{log \"x\"}}", "log", "no helper `log`", ""),
        ("{{lookup lead \"company\"}}", "lookup", "no helper `lookup`", ""),
        ("{{print lead.company 1}}", "print", "no helper `print`", ""),
        ("{{default lead.company}}", "default", "takes 2 arguments, here are 1", ""),
        ("{{default lead.company 1}}", "1", "`default` cannot take a whole number", ""),
        ("{{date lead.company}}", "lead.company", "`date` cannot take text", ""),
        ("{{date lead.created_at \"%Q\"}}", "\"%Q\"", "not a date format", ""),
        ("{{date lead.created_at \"%Z\"}}", "\"%Z\"", "not a date format", ""),
        ("{{url lead.company}}", "lead.company", "`url` cannot take text", ""),
        ("{{#if (lt lead.company 3)}}a{{/if}}", "lead.company", "`lt` cannot take text", ""),
        ("a {{{lead.company}}}", "{{{lead.company}}}", "`{{{` is not allowed", ""),
        ("{{> signiture}}", "{{> signiture}}", "no partial `signiture`", "{{> signature}}"),
        ("a\n\n<b>{{lead.company}}</b>", "<b>", "HTML is not allowed", "Markdown"),
        (
            "{{#if lead.score}}\na\n{{else}}\n<div>b</div>\n{{/if}}",
            "<div>b</div>\n",
            "HTML is not allowed",
            "",
        ),
        ("<{{lead.company}}>", "", "", ""),
        ("[a]({{lead.site}})", "lead.site", "needs a helper", "{{url name}}"),
        ("[a](https://x.example/{{lead.company}})", "lead.company", "needs a helper", ""),
        ("[a](https://x.example/{{url lead.site}})", "url lead.site", "begins an address", ""),
        ("[a](https://{{query lead.company}})", "query lead.company", "after the server's name", ""),
        ("[a](javascript:alert)", "[a](javascript:alert)", "a link leads to", ""),
        ("x [a](/prices) y", "[a](/prices)", "a link leads to", ""),
        ("{{> bad}}", "", "", ""),
        (" ", " ", "the mail has no text", ""),
        ("{{#if lead.score}}\nb", "{{#if lead.score}}", "is never closed", "{{/if}}"),
    ] {
        let source = template("Hello", body);
        let whole = source.text.clone();
        let start = source.body.start;
        let partials = vec![partial("signature", "{{sender.name}}"), partial("bad", "a *b* c")];
        let (_, problems) = compile(source, partials);
        if message.is_empty() {
            assert!(problems.is_empty(), "{body}: {problems}");
            continue;
        }
        assert_eq!(problems.len(), 1, "{body}: {problems}");
        for problem in problems.iter() {
            let span = problem.span.clone().unwrap_or_default();
            assert_eq!(&whole[span.clone()], place, "{body}");
            assert!(span.start >= start, "{body}");
            assert!(problem.message.contains(message), "{body}: {}", problem.message);
            let told = problem.hint.clone().unwrap_or_default();
            assert!(!told.is_empty() && told.contains(hint), "{body}: {told}");
        }
    }
}

#[test]
fn problems_of_all_files_are_reported_at_once_and_each_once() {
    let mut problems = Problems::new();
    let schema = schema();
    let mut second = template("{{lead.nme}}", "{{> p}}\n{{lead.y}}");
    second.name = "u".to_owned();
    second.file = "u.md".to_owned();
    Templates::compile(
        vec![template("Hello", "{{> p}}\n{{lead.x}} <b>"), second],
        vec![partial("p", "one\n{{lead.z}}"), partial("q", "{{#if}}")],
        vec![layout("l", "{{{footer}}}")],
        |_| &schema,
        &mut problems,
    );
    let mut places: Vec<String> = problems
        .iter()
        .map(|problem| {
            let (line, column) = problems.position(problem).unwrap_or((0, 0));
            format!("{}:{line}:{column} {}", problem.file, problem.message)
        })
        .collect();
    places.sort();
    insta::assert_snapshot!(places.join("\n"), @r#"
    layouts/l.hbs:0:0 a layout has `{{{content}}}` once, this one 0 times
    layouts/l.hbs:1:1 there is no partial `footer` for this slot
    partials/p.md:2:3 there is no variable `lead.z`
    partials/q.md:1:1 `{{#if}}` is never closed
    partials/q.md:1:5 a name is missing here
    t.md:5:12 HTML is not allowed in a mail's text
    t.md:5:3 there is no variable `lead.x`
    u.md:2:14 there is no variable `lead.nme`
    u.md:5:3 there is no variable `lead.y`
    "#);
}

#[test]
fn a_subject_is_checked_and_its_places_are_exact() {
    let (_, problems) = compile(template("Hi {{lead.nmae}} {{> x}}", "Text"), vec![]);
    let found: Vec<_> =
        problems.iter().map(|problem| (problems.position(problem), &problem.message)).collect();
    assert_eq!(found[0].0, Some((2, 29)), "{problems}");
    assert_eq!(found[1].0, Some((2, 17)), "{problems}");
    assert_eq!(found.len(), 2);
}

#[test]
fn a_value_that_is_missing_where_it_would_be_shown_is_an_error_that_names_it() {
    for (body, variable, line) in [
        ("Hi {{lead.first_name}}", "lead.first_name", 4),
        ("Hi\n{{upper_first lead.first_name}}", "lead.first_name", 5),
        ("{{default lead.first_name lead.company}}", "lead.company", 4),
        ("{{#each touches}}{{source}}{{/each}}", "touches[].source", 4),
        ("{{join lead.interests \", \"}}", "lead.interests", 4),
        ("[a]({{url lead.site}})", "lead.site", 4),
        ("[a](https://x.example/?{{query lead.company}})", "lead.company", 4),
        ("{{date lead.created_at}}", "lead.created_at", 4),
        ("{{plural lead.score \"a\" \"b\"}}", "lead.score", 4),
    ] {
        let blank = json!({"lead": {"first_name": " \u{200B}"}, "touches": [{}]});
        let missing = RenderError::Missing { variable: variable.to_owned(), file: "t.md".to_owned(), line };
        assert_eq!(render(body, &blank), Err(missing), "{body}");
    }
    let (templates, problems) = compile(template("Hi {{lead.first_name}}", "Text"), vec![]);
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(
        templates.render("t", "bare", &json!({})),
        Err(RenderError::Missing {
            variable: "lead.first_name".to_owned(),
            file: "t.md".to_owned(),
            line: 2
        })
    );
}

#[test]
fn a_missing_value_can_be_asked_for_and_replaced() {
    for (body, text) in [
        ("Hi {{default lead.first_name \"there\"}}", "Hi there\n"),
        ("Hi {{default (upper_first lead.first_name) \"there\"}}", "Hi there\n"),
        ("{{default lead.score \"no\"}} points", "no points\n"),
        ("a{{#if lead.first_name}}b{{/if}}{{#unless lead.score}}c{{/unless}}", "ac\n"),
        ("{{#if (eq lead.first_name \"x\")}}a{{else if (gt lead.score 1)}}b{{else}}c{{/if}}", "c\n"),
        ("{{#each touches}}a{{else}}none{{/each}}", "none\n"),
        ("{{#if (not (or lead.score lead.site))}}none{{/if}}", "none\n"),
        ("{{#if (ne lead.company \"x\")}}other{{/if}}", "other\n"),
    ] {
        assert_eq!(render(body, &json!({})).map(|mail| mail.text), Ok(text.to_owned()), "{body}");
    }
}

#[test]
fn helpers_and_blocks_say_what_they_promise() {
    for (body, expected) in [
        ("{{default lead.first_name \"there\"}}", "Ann\n"),
        ("{{date lead.created_at \"%A %-d %B, %H:%M\"}}", "Monday 9 March, 14:30\n"),
        ("{{date lead.created_at}}", "9 March 2026\n"),
        ("{{join lead.interests \" and \"}}", "prices and security\n"),
        ("{{upper_first \"été\"}} {{lead.score}}", "Été 42\n"),
        (
            "{{#each touches}}{{visits}} {{plural visits \"visit\" \"visits\"}}{{#unless @last}}, {{/unless}}{{/each}}",
            "1 visit, 12 visits\n",
        ),
        (
            "{{#each touches}}{{@index}}{{../lead.first_name}}{{@root.lead.score}}{{#if @first}}!{{/if}} {{/each}}",
            "0Ann42! 1Ann42\n",
        ),
        ("{{#each lead.interests}}{{this}} {{/each}}", "prices security\n"),
        ("{{#if (and lead.returning (gte lead.score 42) (lt lead.score 43))}}yes{{/if}}", "yes\n"),
        ("a {{~ lead.score ~}} b {{! note }}", "a42b\n"),
        (
            "{{#if (eq lead.score 1)}}1{{else if (eq lead.score 42)}}42{{else if lead.score}}x{{else}}0{{/if}}",
            "42\n",
        ),
    ] {
        assert_eq!(text(body), expected, "{body}");
    }
}

#[test]
fn partials_stand_where_they_are_called_with_the_names_that_are_known_there() {
    let body =
        "- one\n  {{> item}}\n- two {{> inline}}.\n\n{{#each touches}}\n{{> deep/touch}}\n{{/each}}\nend";
    let partials = vec![
        partial("item", "\nmore {{lead.score}}\n\nand more\n"),
        partial("inline", "by {{sender.name}}"),
        partial("deep/touch", "* {{source}} {{> again}}\n"),
        partial("again", "({{../sender.name}})"),
    ];
    let (templates, problems) = compile(template("Hello", body), partials);
    assert!(problems.is_empty(), "{problems}");
    let mail = templates.render("t", "bare", &values());
    insta::assert_snapshot!(mail.map(|mail| mail.text).unwrap_or_default(), @r#"
    - one

      more 42

      and more

    - two by Rae Rep.

    - Fair | Berlin (Rae Rep)
    - Newsletter (Rae Rep) end
    "#);
}

#[test]
fn the_footer_of_the_layout_ends_both_parts() {
    let schema = schema();
    let staff = Schema::new(vec![Field::text("rep", "")]);
    let mut problems = Problems::new();
    let mut other = template("Hello", "Hi {{rep}}");
    other.name = "staff".to_owned();
    let templates = Templates::compile(
        vec![other, template("Hello", "Hi")],
        vec![partial("footer", "[Unsubscribe]({{url unsubscribe.link}})")],
        vec![layout("lead", "<body>{{{content}}}{{{footer}}}</body>"), layout("staff", "{{{content}}}")],
        |name| if name == "staff" { &staff } else { &schema },
        &mut problems,
    );
    assert!(problems.is_empty(), "{problems}");
    let mail = templates.render("t", "lead", &values());
    let mail = mail.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(mail.text, "Hi\n\n--------\nUnsubscribe <https://ours.example/u/abc>\n");
    assert!(mail.html.contains("href=\"https://ours.example/u/abc\">Unsubscribe</a></p>\n</body>"));
    assert_eq!(
        templates.render("staff", "staff", &json!({"rep": "Rae"})).map(|mail| mail.text),
        Ok("Hi Rae\n".to_owned())
    );
    let refused = templates.render("staff", "lead", &json!({"rep": "Rae"}));
    assert!(matches!(refused, Err(RenderError::FooterDoesNotFit { .. })), "{refused:?}");
}

const LEAD_MAIL: &str = "\
Hello {{default lead.first_name \"there\"}},

thank you for asking about **{{join lead.interests \" and \"}}**. {{#if lead.returning}}Good to have you
back!{{else}}Welcome!{{/if}}

## What next

1. Look at [your page]({{url lead.site}}).
2. Read the [price list](https://ours.example/prices?company={{query lead.company}}).

**[Book a call](https://ours.example/call)**

> *{{lead.company}}* asked on {{date lead.created_at \"%-d %B\"}}.

{{sender.name}}
";

const STAFF_MAIL: &str = "\
# {{default lead.first_name \"A lead\"}} of {{lead.company}} is yours

| Source | When | Visits |
|---|---|---:|
{{#each touches}}
| {{source}} | {{date at \"%-d %b\"}} | {{visits}} |
{{/each}}

- score: {{lead.score}}
- asked about: {{join lead.interests}}
";

#[test]
fn a_mail_to_a_lead_reads_well_in_both_parts() {
    let mail = render(LEAD_MAIL, &values()).unwrap_or_else(|error| panic!("{error}"));
    insta::assert_snapshot!(mail.text, @r#"
    Hello Ann,

    thank you for asking about prices and security. Good to have you back!

    What next
    ---------

    1. Look at your page <https://smith.example/?a=1&b=2>.
    2. Read the price list
       <https://ours.example/prices?company=Smith%20%26%20Sons>.

    Book a call <https://ours.example/call>

    > Smith & Sons asked on 9 March.

    Rae Rep
    "#);
    insta::assert_snapshot!("a_lead", mail.html);
}

#[test]
fn a_mail_to_a_rep_has_its_table_in_both_parts() {
    let mail = render(STAFF_MAIL, &values()).unwrap_or_else(|error| panic!("{error}"));
    insta::assert_snapshot!(mail.text, @r#"
    Ann of Smith & Sons is yours
    ============================

    Source         When   Visits
    -------------  -----  ------
    Fair | Berlin  1 Mar       1
    Newsletter     5 Mar      12

    - score: 42
    - asked about: prices, security
    "#);
    insta::assert_snapshot!("a_rep", mail.html);
}

#[test]
fn a_header_is_one_line_without_html_or_controls() {
    let mut source = template("{{lead.company}} & you", "Text");
    source.preheader = Some(("For {{lead.first_name}}".to_owned(), 0..3));
    let (templates, problems) = compile(source, vec![]);
    assert!(problems.is_empty(), "{problems}");
    let context =
        json!({"lead": {"company": "A\r\nBcc: x@y.example\u{202E}<b>", "first_name": "é".repeat(100_000)}});
    let mail = templates.render("t", "bare", &context).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(mail.subject, "A Bcc: x@y.example<b> & you");
    assert_eq!(mail.preheader.map(|line| line.chars().count()), Some(MAX_PREHEADER));
}

#[test]
fn a_value_that_is_no_address_or_no_date_is_named_and_not_shown() {
    for (body, context, error) in [
        (
            "[a]({{url lead.site}})",
            json!({"lead": {"site": "javascript:alert(1)"}}),
            RenderError::NotAnAddress { variable: "lead.site".to_owned() },
        ),
        (
            "{{date lead.created_at}}",
            json!({"lead": {"created_at": "soon"}}),
            RenderError::NotADate { variable: "lead.created_at".to_owned() },
        ),
        (
            "{{lead.score}}",
            json!({"lead": {"score": "many"}}),
            RenderError::WrongType { variable: "lead.score".to_owned(), expected: "a whole number" },
        ),
    ] {
        assert_eq!(render(body, &context), Err(error));
    }
}

#[test]
fn what_would_abort_the_process_is_refused() {
    let circle = vec![partial("a", "{{> b}}"), partial("b", "x\n{{> c}}"), partial("c", "{{> a}}")];
    let itself = vec![partial("a", "{{> a}}")];
    let chain: Vec<_> = (0..10_000)
        .map(|n| partial(&format!("p{n}"), &format!("{{{{> p{}}}}}", n + 1)))
        .chain([partial("p10000", "x"), partial("a", "{{> p0}}")])
        .collect();
    // Forty partials, each with the next one twice: a million million times the last one.
    let bomb: Vec<_> = (0..40)
        .map(|n| partial(&format!("p{n}"), &format!("{{{{> p{0}}}}}{{{{> p{0}}}}}", n + 1)))
        .chain([partial("p40", ""), partial("a", "{{> p0}}")])
        .collect();
    let long = vec![partial("b", &"x ".repeat(100_000)), partial("a", "{{> b}}{{> b}}")];
    for (partials, message) in [
        (circle, "includes itself"),
        (itself, "the partial `a` includes itself: a → a"),
        (chain, "nested more than 50 deep"),
        (bomb, "more than 2000 tags"),
        (long, "larger than 256 kB"),
    ] {
        let (_, problems) = compile(template("Hello", "{{> a}}"), partials);
        assert_eq!(problems.len(), 1, "{problems}");
        assert!(problems.to_string().contains(message), "{problems}");
    }
    for (body, message) in [
        ("{{#if lead.score}}".repeat(10_000), "nested more than 50 deep"),
        (
            format!("{}x{}", "{{#each touches}}".repeat(60), "{{/each}}".repeat(60)),
            "nested more than 50 deep",
        ),
        ("a ".repeat(500_000), "larger than 256 kB"),
        (">".repeat(200_000), "nested more than 50 deep"),
        ("+ ".repeat(100_000), "nested more than 50 deep"),
        (format!("{}{{{{lead.score}}}}", "{{lead.score}} ".repeat(2_000)), "more than 2000 tags"),
    ] {
        let (_, problems) = compile(template("Hello", &body), vec![]);
        assert!(problems.len() < 10, "{} problems", problems.len());
        assert!(
            problems.to_string().contains(message),
            "{}",
            problems.to_string().chars().take(200).collect::<String>()
        );
    }
}

#[test]
fn templates_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Templates>();
}

/// Every place where a value can stand in a mail.
const EVERYWHERE: &str = "\
{{lead.company}}

# {{lead.company}}

**{{lead.company}}**s a*{{lead.company}}*b `{{lead.company}}` [{{lead.company}}](https://x.example/) <{{lead.company}}>

- {{lead.company}}
{{lead.company}}

> {{lead.company}}

| {{lead.company}} | b |
|---|---|
| c | {{upper_first lead.company}} |

    {{lead.company}}

   {{lead.company}}. [x](https://x.example/?q={{query lead.company}}) &{{lead.company}}; [{{lead.company}}]

![{{lead.company}}](https://x.example/a.png)

{{#each touches}}
{{source}}
===
{{/each}}

[Bob]: https://evil.example/
";

/// The tags of `html` with their attributes, texts and the value within an address left out.
fn skeleton(html: &str) -> Vec<String> {
    html.split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(tag, _)| {
            let mut tag = tag.to_owned();
            for attribute in ["alt=\"", "?q="] {
                if let Some((before, after)) = tag.clone().split_once(attribute) {
                    let end = after.find('"').unwrap_or(after.len());
                    tag = format!("{before}{attribute}{}", &after[end..]);
                }
            }
            tag
        })
        .collect()
}

fn everywhere() -> &'static Templates {
    static TEMPLATES: std::sync::OnceLock<Templates> = std::sync::OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let (templates, problems) = compile(template("For {{lead.company}}", EVERYWHERE), vec![]);
        assert!(problems.is_empty(), "{problems}");
        templates
    })
}

fn with_value(value: &str) -> Result<Rendered, RenderError> {
    everywhere().render("t", "bare", &json!({"lead": {"company": value}, "touches": [{"source": value}]}))
}

fn assert_harmless(value: &str) {
    let cleaned = escape::clean(value);
    let mail = match with_value(value) {
        Err(RenderError::Missing { .. }) if escape::is_blank(&cleaned) => return,
        other => other.unwrap_or_else(|error| panic!("{value:?}: {error}")),
    };
    let harmless = with_value("Zed").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(skeleton(&mail.html), skeleton(&harmless.html), "{value:?}");
    assert!(!mail.html.contains("evil.example\""), "{value:?}");
    let without_space = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let shown = without_space(&cleaned);
    // Once as a paragraph, and in each other place; a block quote's mark may stand between the lines.
    assert!(without_space(&mail.text).contains(&shown), "{value:?} in {}", mail.text);
    assert!(!mail.subject.contains(|c: char| c.is_control()), "{value:?}");
    assert!(mail.subject.chars().count() <= MAX_SUBJECT);
    for part in [&mail.html, &mail.text, &mail.subject] {
        assert!(!part.contains(escape::is_reserved), "{value:?}");
        assert!(!part.contains('\u{202E}') && !part.contains('\r'), "{value:?}");
    }
}

#[test]
fn hostile_values_are_harmless() {
    for value in [
        "*Bob* <b>{{x}}",
        "[x](javascript:alert(1))",
        "a\r\nBcc: x@y.example",
        "\u{202E}evil",
        "&#42;&lt;&amp;",
        "Bob",
        "](https://evil.example) [",
        "` `` ``` ~~~",
        "| a | b |\n|---|---|",
        "# x\n===\n---\n- a\n1. b\n    code",
        "\" onmouseover=\"alert(1)",
        "'><script>alert(1)</script>",
        "<!-- --> <![CDATA[ ]]> <?php ?>",
        "\\",
        "**",
        "(",
        "“Bob”",
        "\u{E041}\u{F0041}\u{10FFFD}x",
        "\u{200B}\u{FEFF}\u{200D}",
        "\0\u{1b}[31m\u{9b}",
        "👩\u{200D}🔧 日本 𠀀 é",
        "{{{{raw}}}} {{> footer}} {{{x}}} \\{{",
        "http://a b@c",
        "%0d%0a%00",
    ] {
        assert_harmless(value);
    }
    assert_harmless(&"<x>*_`[".repeat(15_000));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_harmless(value in prop_oneof![
        any::<String>(),
        "[\\[\\](){}<>!*_`~#|&;:/\\\\\"'=+. \\n\\r\\t0-9a-e-]{0,40}",
    ]) {
        assert_harmless(&value);
    }

    #[test]
    fn any_template_is_compiled_or_refused_and_never_panics(
        body in "([{}#/>!~()\"'a-c.@ \\n<*\\[\\]|-]|\\{\\{|\\}\\}|\\{\\{#if |\\{\\{/if\\}\\}|\\{\\{else|lead.score|é){0,40}",
    ) {
        let (templates, problems) = compile(template("Hello", &body), vec![]);
        prop_assert!(problems.to_string().len() < 1_000_000);
        if problems.is_empty() {
            let rendered = templates.render("t", "bare", &values());
            prop_assert!(!matches!(rendered, Err(RenderError::Engine { .. })), "{rendered:?}");
        }
    }
}
