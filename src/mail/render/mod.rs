//! From a template and the facts about a lead to the subject, the HTML part and the text part of a mail.
//!
//! # What a marketer may write
//!
//! A mail is Markdown (CommonMark and tables) with Handlebars in it. Handlebars here is `{{name}}`,
//! `{{helper name "text"}}` ([`HELPERS`]), `{{#if}}` / `{{else if}}` / `{{else}}`, `{{#unless}}`, `{{#each}}`
//! (with `this`, `@index`, `@first`, `@last`, `../`, `@root.`), `{{> partial}}`, comments and `~`. A link in
//! bold that is a paragraph of its own becomes the call-to-action button.
//!
//! # What is promised
//!
//! - **Values are harmless.** Each becomes one opaque word before Markdown is read (`escape.rs`): a lead
//!   called `*Bob* <b>{{x}}` is shown as just that, in both parts, and cannot add a tag, a link, a line or a
//!   header. `{{{name}}}` is refused, as is HTML in Markdown: there is no way around it.
//! - **Links go where they say.** Only complete `http`, `https`, `mailto` and `tel` addresses; a variable
//!   enters one only through `url` (a whole address, checked and encoded) or `query` (a part behind the
//!   server's name, encoded). Images need a fixed `http` or `https` address and a text: what a value could
//!   choose would be a tracking pixel.
//! - **No hole in a sentence.** Names and types are checked against the [`Schema`] at load, each mistake with
//!   its place and advice, all at once. A value that is missing where it would be shown is
//!   [`RenderError::Missing`], never an empty string; `{{default name "there"}}` says what to write instead,
//!   and a value in which nothing could be seen counts as missing.
//! - **Both parts say the same**, because one walk writes both. The footer belongs to the layout: where that
//!   has `{{{footer}}}`, the partial `footer` ends both parts, so no step can forget the unsubscribe link.
//! - **A file cannot hurt the process**: sizes and depths are bounded before anything recurses.
//! - Rendering depends on its arguments alone: the same give the same bytes.

mod check;
mod escape;
mod expand;
mod expression;
mod frame;
mod helpers;
mod refusal;
mod schema;
mod styles;
mod syntax;
mod text;
mod walk;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use handlebars::{Context, Handlebars, RenderErrorReason};
use serde_json::Value;

pub use self::helpers::{ASKING, HELPERS};
pub use self::refusal::Refusal;
pub use self::schema::{Field, Kind, Schema};
pub use self::text::WIDTH;

use self::expand::{Expanded, Site, Source, expand};
use self::frame::{Filling, Frame};
use self::helpers::Fault;
use self::styles::Styles;
use self::syntax::Dialect;
use crate::problem::{Problem, Problems};

/// The partial that fills a layout's `{{{footer}}}`.
pub const FOOTER: &str = "footer";

/// Characters of a subject or preheader, and no more: RFC 5322 allows 998 bytes a line, mail programs show
/// about 60 and 140, and a longer one is a value gone wrong.
const MAX_SUBJECT: usize = 200;
const MAX_PREHEADER: usize = 300;

/// One mail template as it was found. Spans are bytes of `text`.
#[derive(Clone, Debug)]
pub struct TemplateSource {
    /// What it is rendered by.
    pub name: String,
    /// The file, for messages.
    pub file: String,
    /// The whole file.
    pub text: String,
    /// Where the Markdown is, behind the front matter.
    pub body: Range<usize>,
    /// The subject as the front matter says it.
    pub subject: String,
    /// Where the subject is in the file, with or without its quotes.
    pub subject_span: Range<usize>,
    /// The line that inboxes show beside the subject, and where it is.
    pub preheader: Option<(String, Range<usize>)>,
}

/// A piece of a mail that several templates include.
#[derive(Clone, Debug)]
pub struct PartialSource {
    /// What `{{> name}}` calls it.
    pub name: String,
    /// The file, for messages.
    pub file: String,
    /// The whole file, Markdown from beginning to end.
    pub text: String,
}

/// An HTML frame.
#[derive(Clone, Debug)]
pub struct LayoutSource {
    /// What mails ask for it by.
    pub name: String,
    /// The file, for messages.
    pub file: String,
    /// The whole file: HTML with `{{{content}}}`, `{{{footer}}}`, `{{subject}}` and `{{preheader}}`.
    pub text: String,
}

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line, not encoded.
    pub subject: String,
    /// One line, when the template has one. The layout has it in the HTML part already.
    pub preheader: Option<String>,
    /// The HTML part: the layout around the mail.
    pub html: String,
    /// The text part, lines ended by `\n`.
    pub text: String,
}

/// Why a mail could not be rendered. No message holds a value: values are personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// No template has this name.
    #[error("there is no template `{0}`")]
    UnknownTemplate(String),
    /// No layout has this name.
    #[error("there is no layout `{0}`")]
    UnknownLayout(String),
    /// The layout has a footer that says something this class of mail does not know.
    #[error("the footer of layout `{layout}` does not fit the template `{template}`: {reason}")]
    FooterDoesNotFit {
        /// The template.
        template: String,
        /// The layout.
        layout: String,
        /// What the footer says that the template's schema has not.
        reason: String,
    },
    /// A value would be shown and is not there.
    #[error(
        "{file}:{line}: `{variable}` is missing; fill it in, or write `{{{{default {variable} \"…\"}}}}`"
    )]
    Missing {
        /// Its name.
        variable: String,
        /// The file that shows it.
        file: String,
        /// The line in that file, from 1.
        line: usize,
    },
    /// A value is not what its variable holds by the schema.
    #[error("`{variable}` is not {expected}")]
    WrongType {
        /// The variable.
        variable: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The value of a variable is no address that may be linked to.
    #[error("`{variable}` is not a complete http, https, mailto or tel address")]
    NotAnAddress {
        /// The variable as the template writes it.
        variable: String,
    },
    /// The value of a variable is no date.
    #[error("`{variable}` is not a date such as `2026-03-09` or `2026-03-09T14:30:00+01:00[Europe/Berlin]`")]
    NotADate {
        /// The variable as the template writes it.
        variable: String,
    },
    /// A question in a mail that goes to none of the leads.
    #[error("`ask` works in mails to leads alone")]
    NobodyToAsk,
    /// With these values the mail has something that it may not contain.
    #[error("template `{template}`: {what}")]
    Refused {
        /// The template.
        template: String,
        /// What it may not contain.
        what: Refusal,
    },
    /// The subject has no text with these values.
    #[error("template `{0}`: the subject is empty")]
    EmptySubject(String),
    /// The template engine gave up: a defect of this program.
    #[error("template `{template}`: {reason}")]
    Engine {
        /// The template.
        template: String,
        /// In its words.
        reason: String,
    },
}

/// Everything that mails are made of, checked and ready. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Templates {
    templates: BTreeMap<String, Compiled>,
    layouts: BTreeMap<String, Frame>,
    /// Bodies and footers: values are hidden from Markdown.
    markdown: Handlebars<'static>,
    /// Subjects and preheaders: no Markdown, no HTML.
    lines: Handlebars<'static>,
    styles: Styles,
}

#[derive(Debug)]
struct Compiled {
    schema: Schema,
    body: Part,
    subject: Part,
    preheader: Option<Part>,
    /// Absent when no layout has one; the reason when it does not fit the schema.
    footer: Option<Result<Part, String>>,
}

/// A piece of a mail that a registry renders.
#[derive(Debug)]
struct Part {
    key: String,
    sites: Vec<Site>,
}

impl Templates {
    /// Checks and prepares everything. What is wrong goes to `problems`, each mistake once, and what has
    /// mistakes is not to be rendered: use the result only when nothing was added.
    pub fn compile<'s>(
        templates: Vec<TemplateSource>,
        partials: Vec<PartialSource>,
        layouts: Vec<LayoutSource>,
        schema_of: impl Fn(&str) -> &'s Schema,
        problems: &mut Problems,
    ) -> Templates {
        let mut compiler = Compiler {
            found: Vec::new(),
            styles: Styles::built_in(),
            partials: BTreeMap::new(),
            markdown: helpers::registry(true),
            lines: helpers::registry(false),
        };
        for partial in partials {
            problems.source(&partial.file, &partial.text);
            compiler.partial(partial);
        }
        expand::circles(&compiler.partials, &mut compiler.found);
        let mut frames = BTreeMap::new();
        let mut footer_at = None;
        for layout in layouts {
            problems.source(&layout.file, &layout.text);
            let frame = Frame::read(&layout.file, &layout.text, &mut compiler.found);
            if let Some(span) = &frame.footer {
                footer_at = Some((layout.file.clone(), span.clone()));
            }
            if frames.insert(layout.name.clone(), frame).is_some() {
                compiler.found.push(twice(&layout.file, "layout", &layout.name));
            }
        }
        if let Some((file, span)) = footer_at.clone().filter(|_| !compiler.partials.contains_key(FOOTER)) {
            compiler.found.push(
                Problem::at(file, span, "there is no partial `footer` for this slot")
                    .hint("write it as a file in `partials/`, with the unsubscribe link"),
            );
        }
        let mut compiled = BTreeMap::new();
        let mut footers = Vec::new();
        for template in templates {
            problems.source(&template.file, &template.text);
            let schema = schema_of(&template.name);
            let mut ready = compiler.template(&template, schema);
            if footer_at.is_some() {
                let (footer, mistakes) = compiler.footer(&template.name, schema);
                ready.footer = footer;
                footers.push(mistakes);
            }
            if compiled.insert(template.name.clone(), ready).is_some() {
                compiler.found.push(twice(&template.file, "template", &template.name));
            }
        }
        // A footer that suits one class of mail is right; one that suits none has mistakes.
        // Of the classes the one that it was probably written for is told.
        compiler.found.extend(footers.into_iter().min_by_key(Vec::len).unwrap_or_default());
        let mut told = HashSet::new();
        for problem in compiler.found {
            if told.insert((problem.file.clone(), problem.span.clone(), problem.message.clone())) {
                problems.push(problem);
            }
        }
        Templates {
            templates: compiled,
            layouts: frames,
            markdown: compiler.markdown,
            lines: compiler.lines,
            styles: compiler.styles,
        }
    }

    /// Whether there is such a template.
    pub fn has_template(&self, name: &str) -> bool {
        self.templates.contains_key(name)
    }

    /// Whether there is such a layout.
    pub fn has_layout(&self, name: &str) -> bool {
        self.layouts.contains_key(name)
    }

    /// Renders the template `name` within `layout` with the values of `context`, an object as the template's
    /// schema describes it. What the schema does not name is ignored.
    pub fn render(&self, name: &str, layout: &str, context: &Value) -> Result<Rendered, RenderError> {
        let template =
            self.templates.get(name).ok_or_else(|| RenderError::UnknownTemplate(name.to_owned()))?;
        let frame = self.layouts.get(layout).ok_or_else(|| RenderError::UnknownLayout(layout.to_owned()))?;
        let values = template.schema.fit(context).map_err(|misfit| RenderError::WrongType {
            variable: misfit.variable,
            expected: misfit.expected,
        })?;
        let mut values = values;
        // Not of the schema: no template can name it, only `ask` finds it.
        if let (Value::Object(values), Some(asking)) = (&mut values, context.get(ASKING)) {
            values.insert(ASKING.to_owned(), asking.clone());
        }
        let values = Context::from(values);
        let subject = escape::one_line(&run(&self.lines, name, &template.subject, &values)?, MAX_SUBJECT);
        if escape::is_blank(&subject) {
            return Err(RenderError::EmptySubject(name.to_owned()));
        }
        let preheader = match &template.preheader {
            Some(part) => Some(escape::one_line(&run(&self.lines, name, part, &values)?, MAX_PREHEADER)),
            None => None,
        };
        let content = self.parts(name, &template.body, &values)?;
        let mut text = content.text;
        let mut footer_html = String::new();
        if frame.footer.is_some() {
            match &template.footer {
                Some(Ok(part)) => {
                    let footer = self.parts(name, part, &values)?;
                    footer_html = footer.html;
                    if !footer.text.is_empty() {
                        text.push_str("\n--------\n");
                        text.push_str(&footer.text);
                    }
                }
                refused => {
                    let reason = refused.as_ref().and_then(|footer| footer.as_ref().err());
                    return Err(RenderError::FooterDoesNotFit {
                        template: name.to_owned(),
                        layout: layout.to_owned(),
                        reason: reason.cloned().unwrap_or_else(|| "there is none".to_owned()),
                    });
                }
            }
        }
        let html = frame.fill(&Filling {
            content: &content.html,
            footer: &footer_html,
            subject: &subject,
            preheader: preheader.as_deref().unwrap_or_default(),
        });
        Ok(Rendered { subject, preheader, html, text })
    }

    fn parts(&self, name: &str, part: &Part, values: &Context) -> Result<walk::Parts, RenderError> {
        let markdown = run(&self.markdown, name, part, values)?;
        let mut refused = Vec::new();
        let parts = walk::walk(&markdown, &self.styles, &mut refused);
        match refused.first() {
            None => Ok(parts),
            Some(refused) => Err(RenderError::Refused { template: name.to_owned(), what: refused.what }),
        }
    }
}

fn run(
    registry: &Handlebars<'static>,
    template: &str,
    part: &Part,
    values: &Context,
) -> Result<String, RenderError> {
    registry.render_with_context(&part.key, values).map_err(|error| {
        let fault = match error.reason() {
            RenderErrorReason::NestedError(nested) => nested.downcast_ref::<Fault>(),
            _ => None,
        };
        let site = |number: u64| usize::try_from(number).ok().and_then(|number| part.sites.get(number));
        match fault {
            Some(Fault::Url(variable)) => RenderError::NotAnAddress { variable: variable.clone() },
            Some(Fault::NobodyToAsk) => RenderError::NobodyToAsk,
            Some(Fault::Date(variable)) => RenderError::NotADate { variable: variable.clone() },
            Some(Fault::Missing(number)) if site(*number).is_some() => {
                let Site { variable, file, line } = site(*number).cloned().unwrap_or_default();
                RenderError::Missing { variable, file, line }
            }
            _ => RenderError::Engine { template: template.to_owned(), reason: error.to_string() },
        }
    })
}

fn twice(file: &str, what: &str, name: &str) -> Problem {
    Problem::of(file, format!("a second {what} is called `{name}`")).hint("rename one of them")
}

/// What is being put together, and what was found wrong on the way.
struct Compiler {
    found: Vec<Problem>,
    styles: Styles,
    partials: BTreeMap<String, Source>,
    markdown: Handlebars<'static>,
    lines: Handlebars<'static>,
}

impl Compiler {
    fn partial(&mut self, partial: PartialSource) {
        let PartialSource { name, file, text } = partial;
        let nodes = syntax::parse(&file, &text, 0..text.len(), Dialect::Body, &mut self.found);
        if self.partials.contains_key(&name) {
            self.found.push(twice(&file, "partial", &name));
        }
        self.partials.insert(name, Source { file, text, nodes });
    }

    fn template(&mut self, template: &TemplateSource, schema: &Schema) -> Compiled {
        let TemplateSource { name, file, text, .. } = template;
        let body = template.body.start.min(text.len())..template.body.end.min(text.len());
        let nodes = syntax::parse(file, text, body.clone(), Dialect::Body, &mut self.found);
        let source = Source { file: file.clone(), text: text.clone(), nodes };
        if text.get(body.clone()).is_none_or(|body| body.trim().is_empty()) {
            self.found.push(
                Problem::at(file, body, "the mail has no text").hint("write it below the front matter"),
            );
        }
        let expanded = expand(&source, schema, &self.partials);
        let refused = self.refused(&expanded);
        self.found.extend(refused);
        let body = self.register_body(format!("body {name}"), expanded);
        let subject = self.line(template, "subject", &template.subject, &template.subject_span, schema);
        if template.subject.trim().is_empty() {
            self.found.push(
                Problem::at(file, template.subject_span.clone(), "the subject is empty")
                    .hint("write `subject = \"…\"` in the front matter"),
            );
        }
        let preheader = template
            .preheader
            .as_ref()
            .map(|(line, span)| self.line(template, "preheader", line, span, schema));
        Compiled { schema: schema.clone(), body, subject, preheader, footer: None }
    }

    /// What the walk refuses in any branch of a template.
    fn refused(&self, expanded: &Expanded) -> Vec<Problem> {
        let mut refused = Vec::new();
        walk::walk(expanded.probe(), &self.styles, &mut refused);
        refused.iter().filter_map(|refused| expanded.problem(refused)).collect()
    }

    fn register_body(&mut self, key: String, mut expanded: Expanded) -> Part {
        self.found.append(&mut expanded.problems);
        self.markdown.register_template(&key, expanded.template);
        Part { key, sites: expanded.sites }
    }

    /// A subject or preheader. Its places are exact where the file says it as it is, without TOML escapes.
    fn line(
        &mut self,
        template: &TemplateSource,
        what: &str,
        line: &str,
        span: &Range<usize>,
        schema: &Schema,
    ) -> Part {
        let span = span.start.min(template.text.len())..span.end.min(template.text.len());
        let verbatim = template.text.get(span.clone()).and_then(|quoted| quoted.find(line));
        let mut found = Vec::new();
        let (text, range) = match verbatim {
            Some(at) => (template.text.clone(), span.start + at..span.start + at + line.len()),
            None => (line.to_owned(), 0..line.len()),
        };
        let nodes = syntax::parse(&template.file, &text, range, Dialect::Line, &mut found);
        let source = Source { file: template.file.clone(), text, nodes };
        let mut expanded = expand(&source, schema, &BTreeMap::new());
        found.append(&mut expanded.problems);
        if verbatim.is_none() {
            let first_line = template.text.get(..span.start).map_or(1, |text| text.matches('\n').count() + 1);
            for problem in &mut found {
                problem.span = Some(span.clone());
            }
            for site in &mut expanded.sites {
                site.line = first_line;
            }
        }
        self.found.append(&mut found);
        let key = format!("{what} {}", template.name);
        self.lines.register_template(&key, expanded.template);
        Part { key, sites: expanded.sites }
    }

    /// The footer for a template's class of mail, and what is wrong with it there.
    fn footer(&mut self, name: &str, schema: &Schema) -> (Option<Result<Part, String>>, Vec<Problem>) {
        let Some(source) = self.partials.get(FOOTER) else { return (None, vec![]) };
        let mut expanded = expand(source, schema, &self.partials);
        let mut mistakes = std::mem::take(&mut expanded.problems);
        mistakes.extend(self.refused(&expanded));
        match mistakes.first() {
            Some(first) => (Some(Err(first.message.clone())), mistakes),
            None => (Some(Ok(self.register_body(format!("footer {name}"), expanded))), mistakes),
        }
    }
}

#[cfg(test)]
mod tests;
