//! The playbook that comes with the program: the folder `templates/`, compiled in.
//!
//! Listed by hand, so that the build needs no script; a test in [`super::files`] compares the list with
//! the folder.

macro_rules! templates {
    ($($path:literal,)*) => {
        &[$(($path, include_str!(concat!("../../templates/", $path))),)*]
    };
}

/// Every file of `templates/`: path and text.
pub(super) const BUILTIN: &[(&str, &str)] = templates![
    "agreement.toml",
    "layouts/base.hbs",
    "layouts/staff.hbs",
    "partials/footer.md",
    "partials/objections/price.md",
    "partials/signature.md",
    "partials/staff/actions.md",
    "partials/staff/buttons.md",
    "partials/staff/call.md",
    "partials/staff/counted.md",
    "partials/staff/quote.md",
    "partials/staff/who.md",
    "partials/staff/zone.md",
    "sequences/demo-request/01-confirmation.md",
    "sequences/demo-request/sequence.toml",
    "sequences/event-follow-up/01-thank-you.md",
    "sequences/event-follow-up/02-first-step.md",
    "sequences/event-follow-up/03-shall-we-talk.md",
    "sequences/event-follow-up/sequence.toml",
    "sequences/long-term/01-who-decides.md",
    "sequences/long-term/02-one-page.md",
    "sequences/long-term/03-data-first.md",
    "sequences/long-term/04-what-users-say.md",
    "sequences/long-term/05-renewals.md",
    "sequences/long-term/06-still-useful.md",
    "sequences/long-term/sequence.toml",
    "sequences/re-engage/01-where-we-left-off.md",
    "sequences/re-engage/02-second-look.md",
    "sequences/re-engage/03-small-step.md",
    "sequences/re-engage/04-your-call.md",
    "sequences/re-engage/sequence.toml",
    "sequences/welcome/01-hello.md",
    "sequences/welcome/02-five-questions.md",
    "sequences/welcome/03-what-a-change-costs.md",
    "sequences/welcome/04-start-small.md",
    "sequences/welcome/05-shall-we-talk.md",
    "sequences/welcome/sequence.toml",
    "staff/away.md",
    "staff/behind.md",
    "staff/call-list.md",
    "staff/campaign-news.md",
    "staff/data-quality.md",
    "staff/digest.md",
    "staff/dispute.md",
    "staff/erased.md",
    "staff/escalation.md",
    "staff/hand-off.md",
    "staff/notice.md",
    "staff/operator.md",
    "staff/reassigned.md",
    "staff/report.md",
    "staff/review.md",
    "staff/team-full.md",
    "staff/warning.md",
    "staff/work-list.md",
];
