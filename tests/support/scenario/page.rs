//! Pages as a browser meets them: over a real connection, and only what stands on them can be clicked.

use std::fmt::Write as _;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What came with it.
    pub body: String,
}

/// A form on a page, as HTML.
pub struct Form<'a>(&'a str);

/// Asks as it is written; the server hangs up afterwards.
pub async fn ask(server: SocketAddr, method: &str, path: &str, headers: &[String], body: &str) -> Answer {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    Answer { status: status.unwrap_or_else(|| panic!("{answer:?}")), body }
}

/// Sends a form as browsers do.
pub async fn post(server: SocketAddr, path: &str, fields: &[(String, String)]) -> Answer {
    let headers = ["Content-Type: application/x-www-form-urlencoded".to_owned()];
    ask(server, "POST", path, &headers, &encoded(fields)).await
}

/// Fields as a form sends them.
pub fn encoded(fields: &[(String, String)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)))
        .collect();
    pairs.join("&")
}

/// Everything but letters and digits as `%XX`.
pub fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

impl Answer {
    /// The heading of a page.
    pub fn title(&self) -> String {
        let heading = self.body.split_once("<h1>").map_or("", |(_, rest)| rest);
        unescaped(heading.split("</h1>").next().unwrap_or_default())
    }

    /// The form that has a button of this value or label, or the only button there is; `None` when there is none to
    /// click.
    pub fn form_with(&self, button: &str) -> Option<Form<'_>> {
        let forms = self.body.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next());
        let forms: Vec<Form<'_>> = forms.map(Form).collect();
        let is_alone = self.body.matches("<button").count() == 1;
        forms.into_iter().find(|form| form.button(button).is_some() || is_alone)
    }

    /// What a page says, as somebody reads it: buttons in brackets, fields as what belongs into them.
    pub fn text(&self) -> String {
        let main = self.body.split_once("<main>").map_or(&*self.body, |(_, rest)| rest);
        let main = main.split("</main>").next().unwrap_or_default();
        let mut text = String::new();
        for part in main.split('<') {
            let (tag, words) = part.split_once('>').unwrap_or(("", part));
            let (is_end, name) = match tag.strip_prefix('/') {
                Some(name) => (true, name),
                None => (false, tag.split(' ').next().unwrap_or_default()),
            };
            match (name, is_end) {
                ("button", false) => text.push('['),
                ("button", true) => text.push(']'),
                ("input", _) if !tag.contains("hidden") => text.push_str(" ____"),
                ("textarea", false) => text.push_str(" ____"),
                ("option", false) => text.push_str(" / "),
                ("summary", false) => text.push_str("\n▸ "),
                ("h1" | "h2" | "p" | "div" | "form" | "label" | "details", _) => text.push('\n'),
                _ => {}
            }
            text.push_str(&words.replace('\n', " "));
        }
        let text = unescaped(&text).replace("][", "] [");
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).fold(String::new(), |text, line| text + &line + "\n")
    }
}

impl Form<'_> {
    /// The name and value of the button.
    fn button(&self, wanted: &str) -> Option<(String, String)> {
        let buttons = self.0.split("<button").skip(1).filter_map(|rest| rest.split("</button>").next());
        buttons.filter_map(|button| button.split_once('>')).find_map(|(tag, label)| {
            let (name, value) = (attribute(tag, "name"), attribute(tag, "value"));
            (value == wanted || unescaped(label) == wanted).then_some((name, value))
        })
    }

    /// What a click on the button sends, with these fields filled in; `Err`: a field that is not there.
    pub fn filled(&self, button: &str, values: &[(String, String)]) -> Result<Vec<(String, String)>, String> {
        let mut fields = Vec::new();
        let tags = ["<input", "<select", "<textarea"].iter().flat_map(|tag| self.0.split(tag).skip(1));
        let tags: Vec<&str> = tags.filter_map(|rest| rest.split('>').next()).collect();
        for tag in tags.iter().filter(|tag| tag.contains("type=\"hidden\"")) {
            fields.push((attribute(tag, "name"), attribute(tag, "value")));
        }
        for (name, value) in values {
            let is_there = tags.iter().any(|tag| attribute(tag, "name") == *name);
            let choices = self
                .0
                .split("<select")
                .skip(1)
                .find(|rest| rest.split('>').next().is_some_and(|tag| attribute(tag, "name") == *name));
            let choices = choices.and_then(|rest| rest.split("</select>").next());
            let can_be = choices.is_none_or(|list| list.contains(&format!("value=\"{value}\"")));
            if !is_there || !can_be {
                return Err(format!("{name} = {value}"));
            }
            fields.push((name.clone(), value.clone()));
        }
        fields.extend(self.button(button).filter(|(name, _)| !name.is_empty()));
        Ok(fields)
    }
}

fn attribute(tag: &str, name: &str) -> String {
    let value = tag.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next());
    unescaped(value.unwrap_or_default())
}

/// Text as it was before it was written into a page.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#") {
        out.push_str(before);
        let number = after.split_once(';').and_then(|(code, rest)| Some((code.parse().ok()?, rest)));
        match number.and_then(|(code, rest)| Some((char::from_u32(code)?, rest))) {
            Some((character, behind)) => {
                out.push(character);
                rest = behind;
            }
            None => {
                out.push_str("&#");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
