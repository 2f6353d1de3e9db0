//! Why a server did not take a mail, and whether it ever will.
//!
//! Only an address that does not exist, or a domain that takes no mail, is permanent: everything else (a full mailbox, a
//! listing, a policy, a size) passes, or is ours to mend, and must not cost us a lead. What the server says in words
//! counts more than its code: `5.1.1` is said of blocked senders as well.

/// Why a mail was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is nobody of this name.
    NoSuchMailbox,
    /// There is no such domain.
    NoSuchDomain,
    /// Whoever it was has gone, and the address with them.
    Moved,
    /// The domain takes no mail at all.
    TakesNoMail,
    /// The mailbox is full.
    MailboxFull,
    /// The mail is too large.
    TooLarge,
    /// The mailbox is locked.
    Locked,
    /// The recipient's filter refused it.
    Filtered,
    /// It was taken for spam, or for something harmful.
    Spam,
    /// Our server is listed, or refused by a rule.
    Blocked,
    /// SPF, DKIM, DMARC, the reverse name or the envelope of our server are wrong.
    Authentication,
    /// We sent too much at once.
    TooMuch,
    /// The other server was not reached in time.
    NotReached,
    /// The other server failed.
    ServerFault,
    /// Nobody says.
    Unknown,
}

impl Reason {
    /// In plain words, for whoever has to do something about it.
    pub fn words(self) -> &'static str {
        match self {
            Reason::NoSuchMailbox => "nobody has this address",
            Reason::NoSuchDomain => "there is no such domain",
            Reason::Moved => "the address was given up",
            Reason::TakesNoMail => "the domain takes no mail",
            Reason::MailboxFull => "the mailbox is full",
            Reason::TooLarge => "the mail is too large for the mailbox",
            Reason::Locked => "the mailbox is locked at present",
            Reason::Filtered => "the recipient's filter refused it",
            Reason::Spam => "it was taken for spam or for something harmful",
            Reason::Blocked => "our server is blocked there",
            Reason::Authentication => "our server's SPF, DKIM, DMARC, name or envelope was refused",
            Reason::TooMuch => "we sent too much at once",
            Reason::NotReached => "their server was not reached in time",
            Reason::ServerFault => "their server failed",
            Reason::Unknown => "no reason is given",
        }
    }

    /// Whether nothing will ever reach the address.
    pub fn is_permanent(self) -> bool {
        matches!(self, Reason::NoSuchMailbox | Reason::NoSuchDomain | Reason::Moved | Reason::TakesNoMail)
    }

    /// Whether it is for us to mend, and says nothing of the address.
    pub fn is_ours(self) -> bool {
        matches!(
            self,
            Reason::Spam | Reason::Blocked | Reason::Authentication | Reason::TooMuch | Reason::TooLarge
        )
    }
}

/// What servers say, in the order in which it is looked for: what is about us and passes comes before what is about the
/// address, because the latter's words are in the former's explanations.
const SAID: [(Reason, &[&str]); 18] = [
    (
        Reason::Authentication,
        &[
            "dmarc",
            "unauthenticated",
            "authentication information",
            "spf ",
            "spf)",
            "dkim",
            "5.1.7",
            "5.1.8",
            "5.7.26",
            "5.7.509",
            "reverse dns",
            "ptr record",
            " ptr",
            "rdns",
            "name lookup failed",
            "mismatches client ip",
            "valid sender domain",
            "fix reverse",
            "sender address rejected",
            "domain of sender address",
            "sender rejected",
            "sender domain",
            "sender verify",
            "does not match the from",
            "not verified",
            "authentication required",
            "rfc 5322",
            "multiple addresses in from",
            "starttls",
            "bad helo",
            "invalid helo",
            "helo command rejected",
            "sender's address",
            "relay access denied",
            "relaying denied",
            "unable to relay",
            "relay not permitted",
            "not permitted to relay",
            "relaying not allowed",
            "forward-confirmed",
            "sender id",
            "5.7.25",
            "reverse lookup",
        ],
    ),
    // Lists of servers whose names say what they are against.
    (Reason::Blocked, &["spamhaus", "spamcop", "blocked using", "uceprotect"]),
    (
        Reason::Spam,
        &[
            "spam",
            "virus",
            "ube,",
            "content rejected",
            "phishing",
            "malware",
            "junk mail",
            "bulk mail",
            "suspicious",
            "rejected by content",
            "considered unsolicited",
            "unsolicited",
            "dangerous",
            "potential security",
        ],
    ),
    (
        Reason::Blocked,
        &[
            "blacklist",
            "block list",
            "blocklist",
            "blocked using",
            "has been blocked",
            "is blocked by",
            "ip blocked",
            "blocked ip",
            "banned",
            "reputation",
            "client host rejected",
            "access denied",
            "poor reputation",
            "policy",
            "not allowed to send",
            "invalid ip for sending",
            "service refused",
            "refused to talk",
            "dnsbl",
            "rbl",
            "spamhaus",
            "barracuda",
            "(bl)",
            "host network not allowed",
            "denied by",
            "prohibited",
            "not authorized",
            "not permitted",
            "closed group",
            "permission to post",
            "cannot post",
            "not have permission",
            "restricted",
            "5.7.606",
            "ip address",
            "rejected due to",
            "sender is not",
            "protocol violation",
            "connection refused by",
            "domain is blacklisted",
            "is listed",
            "blocked - see",
            "block for",
            "email blocked",
        ],
    ),
    (
        Reason::TooMuch,
        &[
            "rate that",
            "rate limit",
            "rate-limit",
            "too many",
            "frequency limited",
            "too fast",
            "try again later, too",
            "deferred due to",
            "unexpected volume",
            "exceeded the maximum number of messages",
            "throttl",
            "sending limit",
            "hourly limit",
            "daily limit",
        ],
    ),
    (
        Reason::TooLarge,
        &[
            "too large",
            "too big",
            "size limit",
            "sizelimit",
            "maximum size",
            "message size",
            "exceeds the maximum",
            "exceeds size",
            "exceeds the size",
            "file size",
        ],
    ),
    (
        Reason::MailboxFull,
        &[
            "mailbox full",
            "mailbox is full",
            "over quota",
            "quota exceeded",
            "overquota",
            "exceeded storage",
            "exceeds quota",
            "quota",
            "storage allocation",
            "mailbox exceeded",
            "exceeded the local limit",
            "inbox is full",
            "is full",
            "maildir over",
            "disk full",
            "insufficient storage",
            "5.2.2",
            "4.2.2",
            "out of storage",
            "full mailbox",
            "mailbox has exceeded",
            "insufficient disk",
            "user is overquota",
            "disk space",
        ],
    ),
    (
        Reason::Locked,
        &[
            "disabled",
            "suspended",
            "frozen",
            "temporary locked",
            "temporarily locked",
            "account is blocked",
            "inactive account",
            "is inactive and",
            "account inactive",
            "not active",
            "deactivated",
            "locked",
            "mailbox currently unavailable",
            "account expired",
            "has been suspended",
            "unavailable due to",
            "not accepting messages",
            "receiving is disabled",
            "compte du destinataire est bloque",
            "discontinued",
        ],
    ),
    (
        Reason::Moved,
        &[
            "recipient no longer on server",
            "not our customer",
            "has moved",
            "has changed to",
            "new address",
            "no longer on server",
            "5.1.6",
        ],
    ),
    (
        Reason::TakesNoMail,
        &[
            "does not accept mail",
            "doesn't accept mail",
            "null mx",
            "doesn't receive email",
            "nullmx",
            "does not receive mail",
            "no mail accepted",
            "domain does not accept",
            "5.1.10 (host",
            "5.7.27",
        ],
    ),
    (
        Reason::NotReached,
        &[
            "timed out",
            "timeout",
            "time out",
            "message expired",
            "queue.expired",
            "unable to deliver in",
            "no route to host",
            "connection refused",
            "host not reachable",
            "unreachable",
            "could not connect",
            "connect to",
            "retry time",
            "retry timeout",
            "did not accept our requests to connect",
            "retried",
            "still being retried",
            "not yet been delivered",
            "delayed",
            "too many hops",
            "routing loop",
            "mail loop",
            "loops back",
            "malformed or unexpected name server reply",
            "lookup failure",
            "host unreachable",
            "network is unreachable",
            "could not be contacted",
            "not respond",
            "lost connection",
            "connection dropped",
            "delivery time expired",
            "failed to connect",
            "temporarily suspended",
            "in the queue",
            "undelivered for",
            "has not been delivered",
        ],
    ),
    (
        Reason::NoSuchDomain,
        &[
            "host or domain name not found",
            "no such domain",
            "host unknown",
            "domain name not found",
            "nxdomain",
            "unknown host",
            "no such host",
            "domain not found",
            "domain does not exist",
            "unrouteable mail domain",
            "unrouteable domain",
            "host not found",
            "domain could not be found",
            "non-existent domain",
            "cannot find your domain",
            "dns error",
            "bad destination",
            "illegal host",
            "all relevant mx records point to non-existent",
        ],
    ),
    (
        Reason::Filtered,
        &[
            "message filtered",
            "recipient preferences",
            "recipient's preferences",
            "rejected by the recipient",
            "refused by recipient",
            "message refused by",
        ],
    ),
    (
        Reason::NoSuchMailbox,
        &[
            "user unknown",
            "unknown user",
            "no such user",
            "user not exist",
            "does not exist",
            "doesn't exist",
            "not exist",
            "no mailbox",
            "recipient not found",
            "recipnotfound",
            "recipientnotfound",
            "not found",
            "invalid recipient",
            "inactive email address",
            "doesn't have a",
            "does not have a",
            "unknown local",
            "no account",
            "no such",
            "unrouteable address",
            "invalid mailbox",
            "invalid address",
            "invalid user",
            "not a valid",
            "unknown recipient",
            "recipient unknown",
            "user invalid",
            "not known",
            "address unknown",
            "unknown address",
            "mailbox not",
            "unknown or illegal alias",
            "not listed",
            "isn't listed",
            "unknown mailbox",
            "mailbox unavailable",
            "destinataire invalide",
            "bad address",
            "address not",
            "no longer valid",
            "unknown account",
            "user doesn",
            "not our user",
            "recipient rejected",
            "user does not",
            "is not a known",
            "mailbox unknown",
            "5.1.1",
            "5.1.10",
            "address you entered",
            "account that you tried to reach",
            "address rejected: user",
            "address rejected: unknown",
            "user not found",
        ],
    ),
    (
        Reason::ServerFault,
        &[
            "transaction failed",
            "service unavailable",
            "service currently unavailable",
            "temporary failure",
            "local error",
            "command failed",
            "internal error",
            "configuration error",
            "system error",
            "not implemented",
            "syntax error",
            "child status",
            "pipe to",
            "unable to",
            "recipient error",
            "other mail system problem",
            "local configuration",
            "i/o error",
            "can't create",
        ],
    ),
    (Reason::Locked, &["5.2.1", "4.2.1", "5.7.13"]),
    (Reason::NoSuchDomain, &["5.1.2", "5.4.4"]),
    (Reason::NotReached, &["4.4.", "5.4."]),
];

/// Why, from what a server says about one recipient and the status it gives, in any case of letters. `around` is what the whole report
/// says, in lower case.
pub(super) fn diagnose(said: &str, status: Option<&str>, around: &str) -> Reason {
    let said = said.to_lowercase();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let with_status = status.map_or_else(|| said.clone(), |status| format!("{said} {status}"));
    let found = SAID.iter().find(|(_, phrases)| phrases.iter().any(|phrase| with_status.contains(phrase)));
    let reason = found.map_or(Reason::Unknown, |(reason, _)| *reason);
    let passes = status.is_some_and(|status| status.starts_with('4'));
    match reason {
        Reason::NoSuchMailbox | Reason::Moved if passes => Reason::ServerFault,
        Reason::NoSuchDomain | Reason::TakesNoMail if passes => Reason::NotReached,
        // Half of those who say "unknown user" without the code for it, and not when they were asked for the recipient,
        // are filters that refuse a mail: two of three in the labelled cases.
        Reason::NoSuchMailbox
            if !(status.is_some_and(|status| status.starts_with("5.1."))
                || at_recipient(&said)
                || at_recipient(around)) =>
        {
            Reason::Filtered
        }
        reason => reason,
    }
}

/// Whether a server refused when it was asked for the recipient, and not when it had the content.
fn at_recipient(said: &str) -> bool {
    let content = ["end of data", "reply to data", ">>> data", "after data", "final data"];
    let recipient = [
        "rcpt to",
        "rcpt command",
        "rcpt host",
        ">>> rcpt",
        "smtp:rcpt",
        "mailbox here by that name",
        "address not found",
        "recipient unknown",
    ];
    !content.iter().any(|phrase| said.contains(phrase))
        && recipient.iter().any(|phrase| said.contains(phrase))
}

/// The first enhanced status code in a text (RFC 3463): class, subject and detail.
pub(super) fn status_in(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    (0..bytes.len().saturating_sub(4)).find_map(|at| {
        let starts = matches!(bytes[at], b'2' | b'4' | b'5') && bytes[at + 1] == b'.';
        let is_joined =
            at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'.' | b'/'));
        if !starts || is_joined {
            return None;
        }
        let subject = digits(at + 2);
        let dot = at + 2 + subject;
        if subject == 0 || subject > 3 || bytes.get(dot) != Some(&b'.') {
            return None;
        }
        let detail = digits(dot + 1);
        let end = dot + 1 + detail;
        // "5.7.606" is one; an address of a network has four parts.
        let goes_on = bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        (detail > 0 && detail < 4 && !goes_on).then(|| text[at..end].to_owned())
    })
}

/// The first SMTP reply code in a text, as the status it stands for: `550` is `5.0.0`.
pub(super) fn reply_code_in(text: &str) -> Option<char> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(2)).find_map(|at| {
        let is_code = matches!(bytes[at], b'4' | b'5')
            && matches!(bytes[at + 1], b'0'..=b'5')
            && bytes[at + 2].is_ascii_digit();
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + 3);
        let stands_alone = before
            .is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'.' && byte != b'-')
            && after.is_none_or(|byte| matches!(byte, b' ' | b'-' | b':' | b',' | b'\n' | b'\r'));
        (is_code && stands_alone).then(|| char::from(bytes[at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_more_than_codes() {
        for (said, status, reason) in [
            ("550 5.1.1 <x@y.example>... User Unknown", Some("5.1.1"), Reason::NoSuchMailbox),
            ("550 5.7.1 IP address blacklisted by recipient", Some("5.1.1"), Reason::Blocked),
            ("552 5.2.2 Mailbox full", Some("5.2.2"), Reason::MailboxFull),
            (
                "553 5.1.8 Domain of sender address x@y.example does not exist",
                Some("5.1.8"),
                Reason::Authentication,
            ),
            ("550 : User unknown (in reply to end of DATA command)", Some("5.0.0"), Reason::Filtered),
            ("DNS Error: domain name not found: x.example", Some("4.0.0"), Reason::NotReached),
            ("Host or domain name not found", Some("5.4.4"), Reason::NoSuchDomain),
            ("550 5.2.1 The user is receiving mail at a rate that prevents", Some("5.2.1"), Reason::TooMuch),
            ("", Some("5.1.1"), Reason::NoSuchMailbox),
            ("", None, Reason::Unknown),
        ] {
            assert_eq!(diagnose(said, status, ""), reason, "{said}");
        }
    }

    #[test]
    fn a_status_is_no_address_of_a_network() {
        for (text, status) in [
            ("550 5.1.1 no", Some("5.1.1")),
            ("550-5.7.26 no", Some("5.7.26")),
            ("(#5.1.1 - chkusr)", Some("5.1.1")),
            ("from 5.1.1.7 and 4.4.4.4", None),
            ("version 1.5.2.1", None),
            ("", None),
        ] {
            assert_eq!(status_in(text).as_deref(), status, "{text}");
        }
        assert_eq!(reply_code_in("said: 550 no"), Some('5'));
        assert_eq!(reply_code_in("5500 times, 1.450 ms"), None);
    }
}
