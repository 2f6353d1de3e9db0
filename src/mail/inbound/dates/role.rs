//! What a date in a text is for: the day of a return, the last day of an absence, its first one, or nothing of these.
//!
//! The words around a date decide, within its sentence: the nearest one before it, and where there is none the one
//! after it ("ab dem 17. August bin ich wieder da").

use super::span::{Grain, Span};
use super::tokens::{Gap, Token};

/// What a date is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The writer is back on it.
    Return,
    /// The writer is back after it.
    ReturnAfter,
    /// The writer is away until it.
    Until {
        /// The text says that the day belongs to the absence.
        is_inclusive: bool,
    },
    /// The writer is away on it, or so long.
    Away,
    /// The writer is away from it on.
    Start,
    /// Something else.
    Other,
}

/// A word that says what a date is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cue {
    /// "Back", "wieder".
    Return,
    /// "Available", which "not" turns into its opposite.
    Available,
    /// "Until", "bis".
    Until,
    /// "Through", "tot en met".
    Through,
    /// "From", "ab".
    From,
    /// "Before", which counts only with "not".
    Before,
    /// "After".
    After,
    /// "On vacation", "abwesend".
    Away,
    /// "Not".
    Not,
    /// "For": so long.
    For,
    /// A webinar, an offer, opening hours.
    Event,
}

/// Whether dates stand after this word.
pub(super) fn is_cue(word: &str) -> bool {
    matches!(
        cue(word),
        Some(Cue::Return | Cue::Until | Cue::Through | Cue::From | Cue::Before | Cue::After | Cue::Away)
    )
}

fn cue(word: &str) -> Option<Cue> {
    Some(match word {
        "back" | "return" | "returning" | "returns" | "again" | "resume" | "resuming" | "resumes"
        | "rejoin" | "zurück" | "zurueck" | "wieder" | "rückkehr" | "rückkehrdatum" | "tornare"
        | "ritornare" | "rientrare" | "volver" | "regresar" | "incorporarme" | "terugkeren" | "voltar"
        | "regressar" | "retornar" | "återkomma" | "weiter" | "vemos" | "verei" | "torniamo"
        | "riprendiamo" | "retomamos" | "retornamos" | "voltamos" | "volvemos" | "regresamos" | "vuelve"
        | "vuelven" | "regresa" | "rentrons" | "reprenons" | "kehre" | "kehrt" | "kehren" | "contesto"
        | "contestamos" | "respondemos" | "inbox" | "torna" | "rientra" | "reprend" | "revient"
        | "rientriamo" | "returnng" | "ritorna" | "see" | "catch" | "hear" | "deal" | "pick" | "reading"
        | "read" | "lees" | "läser" | "lese" | "leggo" | "leo" | "abre" | "reabre" | "öppnar" | "öppnas"
        | "open" | "opens" | "retornando" | "regressando" | "reincorporarme" | "catching" | "behandelen"
        | "behandle" | "bearbeite" | "bearbeitet" | "bearbeiten" | "traite" | "traiterai" | "traitons"
        | "atenderé" | "atiendo" | "tratto" | "get" | "retomando" | "reapertura" | "réouverture"
        | "wiedereröffnung" | "geöffnet" | "öffnet" | "rouvrira" | "riaprirà" | "retrouve"
        | "retrouverai" | "reopened" | "contacted" | "lis" | "encontro" | "komt" | "kommer" | "sehen"
        | "hören" | "retourneren" | "hervatten" | "börjar" | "riparte" | "ripartiamo" | "riapriamo"
        | "riapre" | "rouvre" | "rouvrirons" | "reabrimos" | "rispondo" | "réponds" | "antworte"
        | "retomo" | "retomaré" | "reanudo" | "riprendo" | "hervat" | "rivediamo" | "answering"
        | "respondo" | "zurückkehren" | "zurückkehre" | "wiederkommen" | "retour" | "reviens"
        | "reviendrai" | "revenir" | "rentre" | "rentrerai" | "reprendrai" | "reprise" | "regreso"
        | "regresaré" | "regresare" | "vuelvo" | "volveré" | "volvere" | "vuelta" | "reincorporo"
        | "reincorporaré" | "reincorporación" | "incorporo" | "incorporaré" | "rientro" | "rientrerò"
        | "rientrero" | "tornerò" | "tornero" | "torno" | "ritorno" | "ritornerò" | "nuovo" | "terug"
        | "weer" | "terugkeer" | "terugkomst" | "volto" | "voltarei" | "regresso" | "regressarei"
        | "retorno" | "retornarei" | "volta" | "novamente" | "tillbaka" | "åter" | "återkommer"
        | "återvänder" | "igen" | "wracam" | "nuevo" | "nouveau" | "respond" | "reply" | "replying"
        | "responding" | "answer" | "antworten" | "beantworten" | "beantworte" | "melde" | "répondrai"
        | "répondre" | "responderé" | "respondere" | "contestaré" | "responder" | "risponderò"
        | "rispondere" | "beantwoord" | "beantwoorden" | "reageren" | "responderei" | "besvara"
        | "svarar" | "svara" | "welcome" | "reopen" | "reopens" | "reopening" | "rientrato" | "operativo"
        | "reprends" | "repartons" | "rientreremo" | "öffnen" => Cue::Return,
        "available" | "reachable" | "erreichbar" | "verfügbar" | "disponible" | "joignable"
        | "disponibile" | "raggiungibile" | "reperibile" | "beschikbaar" | "bereikbaar" | "disponível"
        | "contactável" | "tillgänglig" | "nåbar" | "anträffbar" | "haus" | "plats" | "office" | "büro"
        | "buero" | "bureau" | "oficina" | "ufficio" | "kantoor" | "escritório" | "kontoret" | "desk"
        | "work" | "localizable" | "aanwezig" => Cue::Available,
        "until" | "till" | "til" | "til'" | "untill" | "bis" | "jusqu'au" | "jusqu'à" | "jusqu"
        | "jusque" | "jusqu'en" | "hasta" | "fino" | "sino" | "tot" | "até" | "ate" | "fram" => Cue::Until,
        "through" | "thru" | "inclusive" | "including" | "einschließlich" | "einschliesslich" | "inkl"
        | "inclus" | "inclusief" | "incluido" | "inclusivo" | "compreso" | "incluso" | "incluído" => {
            Cue::Through
        }
        "from" | "starting" | "beginning" | "ab" | "vom" | "von" | "du" | "dès" | "del" | "desde" | "dal"
        | "dall'" | "vanaf" | "från" | "as" | "seit" | "desta" | "partir" | "partire" | "since"
        | "starts" => Cue::From,
        "before" | "vor" | "avant" | "antes" | "prima" | "voor" | "före" | "förrän" | "przed" => {
            Cue::Before
        }
        "after" | "nach" | "après" | "apres" | "después" | "despues" | "tras" | "dopo" | "na" | "depois"
        | "após" | "efter" => Cue::After,
        "out"
        | "away"
        | "absence"
        | "absent"
        | "absente"
        | "vacation"
        | "holiday"
        | "holidays"
        | "leave"
        | "ooo"
        | "oof"
        | "travelling"
        | "traveling"
        | "travel"
        | "trip"
        | "off"
        | "unavailable"
        | "urlaub"
        | "abwesend"
        | "abwesenheit"
        | "unterwegs"
        | "dienstreise"
        | "geschäftsreise"
        | "elternzeit"
        | "mutterschutz"
        | "krank"
        | "congé"
        | "congés"
        | "conges"
        | "vacances"
        | "déplacement"
        | "vacaciones"
        | "ausente"
        | "ausencia"
        | "fuera"
        | "viaje"
        | "baja"
        | "permiso"
        | "ferie"
        | "assente"
        | "assenza"
        | "fuori"
        | "viaggio"
        | "trasferta"
        | "vacanza"
        | "vakantie"
        | "afwezig"
        | "afwezigheid"
        | "verlof"
        | "zwangerschapsverlof"
        | "férias"
        | "ferias"
        | "ausência"
        | "fora"
        | "licença"
        | "viagem"
        | "semester"
        | "ledig"
        | "frånvaro"
        | "frånvarande"
        | "borta"
        | "tjänsteresa"
        | "föräldraledig"
        | "tjänstledig"
        | "sick"
        | "closed"
        | "geschlossen"
        | "fermé"
        | "fermés"
        | "cerrado"
        | "cerrada"
        | "chiuso"
        | "chiusi"
        | "chiusa"
        | "gesloten"
        | "fechado"
        | "stängt"
        | "encerra"
        | "encerrado"
        | "encerramos"
        | "arrêt"
        | "excedencia"
        | "malattia"
        | "malade"
        | "ziek"
        | "sjuk"
        | "krankheit"
        | "ponte"
        | "pont"
        | "brückentag"
        | "vrije"
        | "frei"
        | "urlaubsbedingt"
        | "lehrgang"
        | "dicht"
        | "shut"
        | "sea"
        | "strike"
        | "bereavement"
        | "unwell"
        | "ill"
        | "holidaying"
        | "hols"
        | "camping"
        | "honeymoon"
        | "secondment"
        | "workshop"
        | "offsite"
        | "seminar"
        | "kurs"
        | "summer"
        | "sabbatical"
        | "parental"
        | "maternity"
        | "paternity"
        | "offline"
        | "pto"
        | "training"
        | "conference"
        | "retreat"
        | "fortbildung"
        | "schulung"
        | "elternurlaub"
        | "betriebsferien"
        | "surgery"
        | "annual"
        | "limited"
        | "kur"
        | "reha"
        | "urlop"
        | "urlopie"
        | "access"
        | "intermittent"
        | "formation"
        | "maternité"
        | "paternité"
        | "parentale"
        | "barnledig"
        | "sjukskriven" => Cue::Away,
        "not" | "n't" | "won't" | "cannot" | "can't" | "nicht" | "kein" | "keinen" | "keine" | "pas"
        | "ne" | "no" | "non" | "niet" | "geen" | "não" | "inte" | "don't" | "isn't" | "unable"
        | "unlikely" | "nie" | "ej" => Cue::Not,
        "for" | "für" | "pour" | "durante" | "por" | "per" | "während" | "pendant" | "during" => Cue::For,
        "webinar" | "salon" | "mässan" | "träffa" | "retrouvez-nous" | "rencontrez" | "hall" | "halle"
        | "monter" | "pavilhão" | "feira" | "visite-nos" | "visítenos" | "rabais" | "remise"
        | "réduction" | "code" | "promo" | "promotion" | "angebot" | "aktion" | "actie" | "oferta"
        | "descuento" | "desconto" | "offerta" | "sconto" | "erbjudande" | "kampanj" | "%" | "€" | "$"
        | "£" | "prazo" | "plazo" | "délai" | "frist" | "termine" | "handläggningstid" | "bearbeitung"
        | "scadenza" | "gara" | "save" | "booking" | "members" | "agm" | "term" | "payment" | "statutory"
        | "einreichung" | "abgabe" | "hotline" | "orders" | "bestellungen" | "stock" | "messe"
        | "register" | "registration" | "offer" | "valid" | "gültig" | "discount" | "rabatt" | "sale"
        | "booth" | "stand" | "deadline" | "copyright" | "©" | "hours" | "öffnungszeiten" | "bürozeiten"
        | "sprechzeiten" | "geschäftszeiten" | "servicezeiten" | "erreichbarkeit" | "horaires"
        | "horario" | "orari" | "orario" | "openingstijden" | "kantooruren" | "horário" | "öppettider"
        | "telefonzeiten" | "invoice" | "founded" | "event" | "anmeldung" | "anmelden" | "inscription"
        | "newsletter" | "price" | "prices" | "preise" | "einladung" | "ticket" | "tickets" | "summit"
        | "roadshow" | "launch" | "release" | "version" | "moving" | "fair" | "congress" | "kongress"
        | "congrès" | "congresso" | "congreso" | "fiera" | "feria" | "beurs" | "mässa" | "besuchen"
        | "visit" | "visitez" | "treffen" | "ziehen" | "umzug" | "relocating" | "reply-to" | "wrote"
        | "schrieb" | "écrit" | "sent" | "gesendet" => Cue::Event,
        _ => return None,
    })
}

/// What `span` is for, within its sentence. `others` are all spans of the text.
pub(super) fn role(tokens: &[Token<'_>], others: &[Span], index: usize) -> Role {
    let span = &others[index];
    let (begin, end) = sentence(tokens, span);
    let previous = index.checked_sub(1).map(|at| &others[at]).filter(|before| before.to > begin);
    let next = others.get(index + 1).filter(|after| after.from < end);
    let cues = |from: usize, to: usize| {
        tokens[from..to].iter().enumerate().filter_map(move |(at, token)| Some((from + at, cue(token.text)?)))
    };
    let all: Vec<(usize, Cue)> = cues(begin, end).collect();
    let has = |wanted: Cue| all.iter().any(|(_, cue)| *cue == wanted);
    let is_ours = tokens[begin..end].iter().any(|token| OURS.contains(&token.text));
    let is_own = tokens[begin..end].iter().any(|token| FIRST_PERSON.contains(&token.text));
    let is_ours = is_ours && !is_own;
    if span.grain == Grain::Count && !is_ahead(tokens, span) {
        return Role::Other;
    }
    // An event beside an absence in one sentence belongs to the date that stands nearer to it.
    let nearest = |wanted: Cue| {
        all.iter().filter(|(_, cue)| *cue == wanted).map(|(at, _)| at.abs_diff(span.from)).min()
    };
    let is_event =
        nearest(Cue::Event).is_some_and(|event| nearest(Cue::Away).is_none_or(|away| event < away));
    if (is_event || is_ours) && !has(Cue::Return) && !is_closed(&tokens[begin..end]) {
        return Role::Other;
    }
    let from = previous.map_or(begin, |before| before.to);
    let to = next.map_or(end, |after| after.from);
    let before: Vec<(usize, Cue)> = cues(from, span.from).collect();
    let after: Vec<(usize, Cue)> = cues(span.to, to).collect();
    let is_negated = before.iter().any(|(_, cue)| *cue == Cue::Not);
    let is_dutch = tokens.iter().any(|token| ["ik", "het", "terug", "wij"].contains(&token.text));
    let before: Vec<(usize, Cue)> = before
        .into_iter()
        .filter(|(at, cue)| *cue != Cue::After || is_dutch || tokens[*at].text != "na")
        .collect();
    let returns_before =
        before.iter().any(|(_, cue)| *cue == Cue::Return) || names_first_day(&tokens[from..span.from]);
    let is_away_before = before.iter().any(|(_, cue)| *cue == Cue::Away);
    let is_back_before = returns_before
        || (!is_negated
            && before.iter().any(|(_, cue)| *cue == Cue::Available)
            && !before.iter().any(|(_, cue)| *cue == Cue::Away));
    // The nearest word of direction before the date: "until", "from", "after".
    let direction = before.iter().rev().find(|(_, cue)| {
        matches!(cue, Cue::Until | Cue::Through | Cue::From | Cue::Before | Cue::After | Cue::For)
    });
    // A direction that a return or an absence follows belongs to something else: "since Monday I am back on …".
    let direction = direction.filter(|(at, cue_of)| {
        before
            .iter()
            .filter(|(cue_at, _)| cue_at > at)
            .all(|(_, cue)| !matches!(cue, Cue::Return | Cue::Away))
            && span.from - at <= if *cue_of == Cue::After { 3 } else { 7 }
    });
    // "Monday to Friday" is when somebody works, unless it is when they do not.
    let of_week = |span: &Span| span.grain == Grain::Weekday;
    if previous
        .is_some_and(|before| of_week(before) && of_week(span) && is_joint(&tokens[before.to..span.from]))
        && !has(Cue::Away)
    {
        return Role::Other;
    }
    if next.is_some_and(|after| of_week(after) && of_week(span) && is_joint(&tokens[span.to..after.from]))
        && !has(Cue::Away)
    {
        return Role::Other;
    }
    let joined = previous.is_some_and(|before| is_joint(&tokens[before.to..span.from]));
    let opens = previous.is_some() && names_morning(&tokens[from..span.from]) && has(Cue::Away);
    if opens && !joined {
        return Role::Return;
    }
    if joined || span.is_range {
        // The end of "from … to …".
        if returns_before
            && !joined
            && direction.is_none()
            && before.last().is_some_and(|(_, cue)| *cue == Cue::Return)
            && !has(Cue::Away)
        {
            return Role::Return;
        }
        return Role::Until { is_inclusive: true };
    }
    let is_inclusive = after.iter().take(2).any(|(at, cue)| *cue == Cue::Through && at - span.to < 3)
        || before.iter().any(|(at, cue)| *cue == Cue::Through && span.from - at <= 4);
    match direction.map(|(_, cue)| *cue) {
        Some(Cue::Until)
            if is_negated && negated_until_is_return(tokens, from, span.from, returns_before) =>
        {
            Role::Return
        }
        // "Until 8.30 am on Monday", "until the week of 1 February": back then.
        Some(Cue::Until)
            if names_morning(&tokens[from..span.from]) || names_week_of(&tokens[from..span.from]) =>
        {
            Role::Return
        }
        Some(Cue::Until | Cue::Through) => Role::Until { is_inclusive },
        Some(Cue::Before) if is_negated => Role::Return,
        Some(Cue::Before) => Role::Other,
        Some(Cue::After) if is_back_before || follows(&after, span, next) => Role::ReturnAfter,
        Some(Cue::After) => Role::Other,
        Some(Cue::For) if has(Cue::Away) || is_negated => Role::Away,
        // "180 messages a day while I'm travelling" counts no absence.
        _ if span.grain == Grain::Count && !is_counted(tokens, span) => Role::Other,
        Some(Cue::From) if is_back_before && !is_away_since(&before) => Role::Return,
        Some(Cue::From) if (!is_away_before || next.is_none()) && follows(&after, span, next) => Role::Return,
        Some(Cue::From) => Role::Start,
        _ if returns_before && !is_away_since(&before) => Role::Return,
        _ if (!is_away_before || next.is_none()) && follows(&after, span, next) => Role::Return,
        _ if is_back_before && !has(Cue::Away) => Role::Return,
        _ if has(Cue::Away) || (is_negated && before.iter().any(|(_, cue)| *cue == Cue::Available)) => {
            Role::Away
        }
        _ => Role::Other,
    }
}

/// "Our conference", "unser Stand": it is not about the writer's absence.
const OURS: [&str; 16] = [
    "our", "unser", "unsere", "unserem", "unserer", "unseren", "notre", "nos", "nuestro", "nuestra",
    "nostro", "nostra", "onze", "nosso", "nossa", "vår",
];

/// Who speaks of themselves.
const FIRST_PERSON: [&str; 8] = ["i", "i'm", "i'll", "ich", "je", "j'ai", "ik", "jag"];

/// "In two weeks", "for two weeks", "two weeks of leave".
fn is_counted(tokens: &[Token<'_>], span: &Span) -> bool {
    const BEFORE: [&str; 33] = [
        "in",
        "for",
        "next",
        "another",
        "about",
        "around",
        "approx",
        "approximately",
        "further",
        "of",
        "für",
        "noch",
        "etwa",
        "ca",
        "rund",
        "pour",
        "dans",
        "pendant",
        "encore",
        "en",
        "por",
        "durante",
        "dentro",
        "de",
        "per",
        "tra",
        "fra",
        "voor",
        "over",
        "om",
        "em",
        "i",
        "the",
    ];
    let before = span.from.checked_sub(1).map(|at| tokens[at].text);
    let after = tokens.get(span.to).map(|token| token.text);
    before.is_some_and(|word| BEFORE.contains(&word))
        || after.is_some_and(|word| cue(word) == Some(Cue::Away))
}

/// "Within two days", "once a week" are no time from now on.
fn is_ahead(tokens: &[Token<'_>], span: &Span) -> bool {
    const NOT_AHEAD: [&str; 33] = [
        "within",
        "inom",
        "innerhalb",
        "binnen",
        "sous",
        "entro",
        "once",
        "twice",
        "per",
        "every",
        "each",
        "alle",
        "jede",
        "jeden",
        "or",
        "usually",
        "least",
        "than",
        "after",
        "times",
        "max",
        "maximal",
        "took",
        "past",
        "last",
        "plazo",
        "zweimal",
        "einmal",
        "up",
        "zu",
        "até",
        "hasta",
        "dauert",
    ];
    let before = span.from.checked_sub(1).map(|at| tokens[at].text);
    before.is_none_or(|word| !NOT_AHEAD.contains(&word))
}

/// "Our office is closed until …" is.
fn is_closed(words: &[Token<'_>]) -> bool {
    const CLOSED: [&str; 16] = [
        "closed",
        "closes",
        "geschlossen",
        "fermé",
        "fermés",
        "fermée",
        "fermera",
        "cerrado",
        "cerrada",
        "cerramos",
        "chiuso",
        "chiusa",
        "gesloten",
        "fechado",
        "fechada",
        "stängt",
    ];
    words.iter().any(|token| CLOSED.contains(&token.text))
}

/// Whether the writer is said to be away after they were said to be back: "when I am back I am away again from …".
fn is_away_since(before: &[(usize, Cue)]) -> bool {
    let last = |wanted: Cue| before.iter().rev().find(|(_, cue)| *cue == wanted).map(|(at, _)| *at);
    match (last(Cue::Away), last(Cue::Return).or_else(|| last(Cue::Available))) {
        (Some(away), Some(back)) => away > back,
        (away, _) => away.is_some(),
    }
}

/// Whether a return is said after the date, nearer to it than to the next one.
fn follows(after: &[(usize, Cue)], span: &Span, next: Option<&Span>) -> bool {
    if after.iter().any(|(_, cue)| *cue == Cue::Not) {
        return false;
    }
    let returns = after.iter().find(|(_, cue)| *cue == Cue::Return);
    let available = after.iter().find(|(_, cue)| *cue == Cue::Available);
    let away = after.iter().find(|(_, cue)| *cue == Cue::Away);
    let Some((at, _)) = returns.or(available.filter(|_| away.is_none())) else { return false };
    if away.is_some_and(|(away, _)| away < at) {
        return false;
    }
    next.is_none_or(|next| at - span.to < next.from - at && next.from - at > 5)
}

/// "Until 8.30 am on": the hour at which somebody begins.
fn names_morning(words: &[Token<'_>]) -> bool {
    words.iter().any(|token| token.text == "am" || token.text == "uhr")
        && words.iter().any(|token| token.number.is_some_and(|hour| (6..=11).contains(&hour)))
}

fn names_week_of(words: &[Token<'_>]) -> bool {
    let is =
        |from_end: usize, word: &str| words.len() >= from_end && words[words.len() - from_end].text == word;
    (is(2, "week") && is(1, "of"))
        || (is(2, "week") && (is(1, "commencing") || is(1, "beginning") || is(1, "starting")))
}

/// "My first day back", "erster Arbeitstag".
fn names_first_day(words: &[Token<'_>]) -> bool {
    const FIRST: [&str; 9] =
        ["first", "erster", "ersten", "premier", "primer", "primo", "eerste", "primeiro", "första"];
    const DAY: [&str; 12] = [
        "workday",
        "day",
        "arbeitstag",
        "tag",
        "jour",
        "día",
        "giorno",
        "werkdag",
        "dia",
        "arbetsdag",
        "dag",
        "working",
    ];
    words.windows(2).any(|pair| FIRST.contains(&pair[0].text) && DAY.contains(&pair[1].text))
}

/// "I will not be back until the 17th" names the day of the return; "bis zum 14. nicht erreichbar" the last one away.
fn negated_until_is_return(tokens: &[Token<'_>], from: usize, to: usize, returns: bool) -> bool {
    let words = &tokens[from..to];
    let is_english = words.iter().any(|token| ["until", "till", "til", "untill"].contains(&token.text));
    let says_no = words.iter().any(|token| token.text == "no");
    (is_english && !says_no) || returns
}

/// Whether nothing but "to", "-" and their like stands between two dates.
fn is_joint(between: &[Token<'_>]) -> bool {
    const JOINTS: [&str; 38] = [
        "to",
        "-",
        "until",
        "till",
        "through",
        "thru",
        "bis",
        "zum",
        "al",
        "au",
        "a",
        "à",
        "e",
        "tot",
        "en",
        "met",
        "och",
        "med",
        "t",
        "m",
        "/",
        "hasta",
        "el",
        "il",
        "fino",
        "até",
        "ao",
        "and",
        "up",
        "including",
        ",",
        "jusqu'au",
        "o",
        "ter",
        "och",
        "to",
        "the",
        "einschließlich",
    ];
    const REAL: [&str; 20] = [
        "to", "-", "until", "till", "through", "thru", "bis", "al", "au", "a", "à", "tot", "m", "hasta",
        "fino", "até", "ao", "jusqu'au", "till", "and",
    ];
    between.len() <= 5
        && between.iter().all(|token| JOINTS.contains(&token.text))
        && between.iter().any(|token| REAL.contains(&token.text))
}

/// Where the sentence of this span begins and ends, in tokens.
pub(super) fn sentence(tokens: &[Token<'_>], span: &Span) -> (usize, usize) {
    let ends = |at: usize| {
        let token = &tokens[at];
        // A full stop in a name or a number ends nothing.
        ["!", "?", ";", "•", "|"].contains(&token.text)
            || (token.is(".") && tokens.get(at + 1).is_none_or(|next| next.gap != Gap::None))
    };
    let mut begin = span.from;
    while begin > 0 && !ends(begin - 1) && tokens[begin].gap != Gap::Paragraph {
        begin -= 1;
    }
    let mut end = span.to;
    // "17." may end its sentence as well.
    while end < tokens.len() && !ends(end) && tokens[end].gap != Gap::Paragraph {
        end += 1;
    }
    (begin, end)
}

/// Whether the sentence says that somebody is away.
pub(super) fn says_away(tokens: &[Token<'_>], span: &Span) -> bool {
    let (begin, end) = sentence(tokens, span);
    let words = &tokens[begin..end];
    words.iter().any(|token| cue(token.text) == Some(Cue::Away))
        || (words.iter().any(|token| cue(token.text) == Some(Cue::Not))
            && words.iter().any(|token| cue(token.text) == Some(Cue::Available)))
}
