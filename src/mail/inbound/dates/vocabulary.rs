//! The words in which dates and absences are written, in the languages we read.
//!
//! One list for all languages: a mail mixes them, and which word means a month does not depend on who says which
//! language it is. A word that means something else in another language (`may`, `mar`, `set`) is marked as weak and
//! counts only beside a number. Everything is in lower case and without a full stop at the end.

/// What one word may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A month, 1 to 12.
    Month(i8),
    /// A month, if a number stands beside it.
    WeakMonth(i8),
    /// A day of the week, Monday is 1.
    Weekday(i8),
    /// A day of the week, if a date stands beside it: the word means something else as well.
    WeakWeekday(i8),
    /// A number written out.
    Number(i64),
    /// "First".
    First,
    /// "Next", "coming".
    Next,
    /// "This".
    This,
    /// "Tomorrow" and its like: so many days from now.
    Ahead(i64),
    /// A unit of time.
    Unit(Unit),
    /// The end, the middle, the beginning of what follows.
    Part(Part),
    /// The article or the preposition that stands within a date: "the 4th of May".
    Filler,
    /// A feast with a date, or near one.
    Feast(Feast),
}

/// A unit in which people count their absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Days.
    Day,
    /// Days on which one works.
    WorkingDay,
    /// Weeks.
    Week,
    /// Months.
    Month,
    /// Quarters of a year.
    Quarter,
    /// Years.
    Year,
    /// The days on which one does not work.
    Weekend,
}

/// Which part of a month or a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Its first days.
    Beginning,
    /// Its middle.
    Middle,
    /// Its last days.
    End,
}

/// A feast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feast {
    /// Easter Sunday and Monday.
    Easter,
    /// 24 to 26 December.
    Christmas,
    /// 1 January.
    NewYear,
    /// The break around both.
    Holidays,
    /// The first Monday of September, in the United States and Canada.
    LaborDay,
    /// The fourth Thursday of November, in the United States.
    Thanksgiving,
}

/// What a word may mean, if it is one of dates.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    use Feast::{Christmas, Easter, Holidays, NewYear};
    use Meaning::{
        Ahead, Feast as F, Filler, First, Month, Next, Number, Part as P, This, Unit as U, WeakMonth,
        WeakWeekday, Weekday,
    };
    Some(match word {
        "january" | "januar" | "jänner" | "janvier" | "enero" | "gennaio" | "januari" | "janeiro"
        | "styczeń" | "stycznia" | "jan" | "janv" | "genn" => Month(1),
        "ene" | "gen" => WeakMonth(1),
        "february" | "februar" | "feber" | "février" | "fevrier" | "febrero" | "febbraio" | "februari"
        | "fevereiro" | "luty" | "lutego" | "feb" | "févr" | "fév" | "febr" | "fev" => Month(2),
        "march" | "märz" | "maerz" | "mars" | "marzo" | "maart" | "março" | "marca" | "mrz" | "mrt" => {
            Month(3)
        }
        "mar" | "marz" => WeakMonth(3),
        "april" | "avril" | "abril" | "aprile" | "kwietnia" | "apr" | "avr" => Month(4),
        "abr" => WeakMonth(4),
        "mai" | "mayo" | "maggio" | "mei" | "maio" | "maj" | "maja" => Month(5),
        "may" | "mag" => WeakMonth(5),
        "june" | "juni" | "juin" | "junio" | "giugno" | "junho" | "czerwca" | "jun" => Month(6),
        "giu" => WeakMonth(6),
        "july" | "juli" | "juillet" | "julio" | "luglio" | "julho" | "lipca" | "jul" | "juil" => Month(7),
        "lug" => WeakMonth(7),
        "august" | "août" | "aout" | "agosto" | "augustus" | "augusti" | "sierpnia" | "aug" => Month(8),
        "ago" => WeakMonth(8),
        "september" | "septembre" | "septiembre" | "setiembre" | "settembre" | "setembro" | "września"
        | "sept" | "sep" => Month(9),
        "set" | "sett" => WeakMonth(9),
        "october" | "oktober" | "octobre" | "octubre" | "ottobre" | "outubro" | "października" | "oct"
        | "okt" => Month(10),
        "ott" | "out" => WeakMonth(10),
        "november" | "novembre" | "noviembre" | "novembro" | "listopada" | "nov" => Month(11),
        "december" | "dezember" | "décembre" | "decembre" | "diciembre" | "dicembre" | "dezembro"
        | "grudnia" | "dec" | "dez" | "déc" => Month(12),
        "dic" => WeakMonth(12),

        "monday" | "montag" | "montags" | "lundi" | "lunes" | "lunedì" | "lunedi" | "maandag"
        | "segunda-feira" | "segunda" | "måndag" | "måndagen" | "poniedziałek" | "poniedziałku" => {
            Weekday(1)
        }
        "tuesday" | "tue" | "tues" | "dienstag" | "mardi" | "martes" | "martedì" | "martedi" | "dinsdag"
        | "terça-feira" | "terça" | "tisdag" | "tisdagen" | "wtorek" => Weekday(2),
        "wednesday" | "wed" | "mittwoch" | "mercredi" | "miércoles" | "miercoles" | "mercoledì"
        | "mercoledi" | "woensdag" | "quarta-feira" | "quarta" | "onsdag" | "onsdagen" | "środę"
        | "środa" => Weekday(3),
        "thursday" | "thu" | "thur" | "thurs" | "donnerstag" | "jeudi" | "jueves" | "giovedì" | "giovedi"
        | "donderdag" | "quinta-feira" | "quinta" | "torsdag" | "torsdagen" | "czwartek" => Weekday(4),
        "friday" | "fri" | "freitag" | "vendredi" | "viernes" | "venerdì" | "venerdi" | "vrijdag"
        | "sexta-feira" | "sexta" | "fredag" | "fredagen" | "piątek" => Weekday(5),
        "saturday" | "samstag" | "sonnabend" | "samedi" | "sábado" | "sabado" | "sabato" | "zaterdag"
        | "lördag" | "lördagen" | "sobotę" => Weekday(6),
        "sunday" | "sonntag" | "dimanche" | "domingo" | "domenica" | "zondag" | "söndag" | "söndagen"
        | "niedzielę" => Weekday(7),
        "mo" | "mon" | "lun" | "ma" | "mån" => WeakWeekday(1),
        "di" | "tis" | "ter" => WeakWeekday(2),
        "mi" | "mer" | "mié" | "wo" | "ons" | "qua" => WeakWeekday(3),
        "do" | "jeu" | "jue" | "gio" | "tor" | "tors" | "qui" => WeakWeekday(4),
        "fr" | "ven" | "vie" | "vr" | "fre" | "sex" => WeakWeekday(5),
        "sa" | "sat" | "sam" | "sáb" | "sab" | "za" | "lör" => WeakWeekday(6),
        "so" | "sun" | "dim" | "dom" | "zo" | "sön" => WeakWeekday(7),

        "one" | "a" | "an" | "einem" | "einer" | "einen" | "eine" | "ein" | "une" | "un" | "una" | "uno"
        | "een" | "één" | "um" | "uma" | "ett" | "en" => Number(1),
        "two" | "zwei" | "deux" | "dos" | "due" | "twee" | "dois" | "duas" | "två" | "couple" => Number(2),
        "three" | "drei" | "trois" | "tres" | "tre" | "drie" | "três" => Number(3),
        "four" | "vier" | "quatre" | "cuatro" | "quattro" | "quatro" | "fyra" => Number(4),
        "five" | "fünf" | "cinq" | "cinco" | "cinque" | "vijf" | "fem" => Number(5),
        "six" | "sechs" | "seis" | "sei" | "zes" => Number(6),
        "seven" | "sieben" | "siete" | "sette" | "zeven" | "sete" | "sju" => Number(7),
        "eight" | "acht" | "huit" | "ocho" | "otto" | "oito" | "åtta" => Number(8),
        "nine" | "neun" | "neuf" | "nueve" | "nove" | "negen" | "nio" => Number(9),
        "ten" | "zehn" | "dix" | "diez" | "dieci" | "tien" | "tio" => Number(10),
        "first" | "ersten" | "erste" | "erster" | "premier" | "première" | "primero" | "primera"
        | "primo" | "prima" | "eerste" | "primeiro" | "primeira" | "första" => First,

        "next" | "coming" | "following" | "nächsten" | "nächste" | "nächster" | "naechste" | "naechsten"
        | "kommenden" | "kommende" | "kommender" | "folgenden" | "prochain" | "prochaine" | "prochains"
        | "próximo" | "próxima" | "proximo" | "proxima" | "siguiente" | "prossimo" | "prossima"
        | "volgende" | "komende" | "aankomende" | "seguinte" | "nästa" | "nästkommande" | "kommande"
        | "que-vem" => Next,
        "this" | "diese" | "diesen" | "dieser" | "dieses" | "cette" | "ce" | "cet" | "esta" | "este"
        | "questa" | "questo" | "deze" | "dit" | "denna" | "detta" | "current" | "whole" | "entire" => This,

        "today" | "heute" | "aujourd'hui" | "hoy" | "oggi" | "vandaag" | "hoje" | "idag" => Ahead(0),
        "tomorrow" | "demain" | "mañana" | "domani" | "morgen" | "amanhã" | "imorgon" | "imorron" => {
            Ahead(1)
        }
        "übermorgen" | "overmorgen" => Ahead(2),

        "day" | "days" | "tag" | "tage" | "tagen" | "tages" | "jour" | "jours" | "día" | "días" | "dia"
        | "dias" | "giorno" | "giorni" | "dag" | "dagen" | "dagar" => U(Unit::Day),
        "workday" | "workdays" | "werktag" | "werktage" | "werktagen" | "arbeitstag" | "arbeitstage"
        | "arbeitstagen" | "werkdag" | "werkdagen" | "arbetsdag" | "arbetsdagar" => U(Unit::WorkingDay),
        "week" | "weeks" | "wk" | "wks" | "woche" | "wochen" | "kalenderwoche" | "semaine" | "semaines"
        | "semana" | "semanas" | "settimana" | "settimane" | "weken" | "vecka" | "veckan" | "veckor" => {
            U(Unit::Week)
        }
        "weekend" | "weekends" | "wochenende" | "wochenendes" | "week-end" | "helgen" | "helg" => {
            U(Unit::Weekend)
        }
        "month" | "months" | "monat" | "monats" | "monate" | "monaten" | "mois" | "mes" | "meses"
        | "mese" | "mesi" | "maand" | "maanden" | "mês" | "månad" | "månaden" | "månader" => {
            U(Unit::Month)
        }
        "quarter" | "quartal" | "trimestre" | "kwartaal" | "kvartal" => U(Unit::Quarter),
        "year" | "jahr" | "jahres" | "année" | "annee" | "año" | "anno" | "jaar" | "ano" | "år" | "året" => {
            U(Unit::Year)
        }

        "end" | "ende" | "fin" | "final" | "finales" | "fine" | "eind" | "einde" | "slutet" | "late"
        | "finals" | "fim" | "finais" => P(Part::End),
        "mid" | "middle" | "mitte" | "milieu" | "mediados" | "metà" | "medio" | "midden" | "meados"
        | "mitten" | "halverwege" => P(Part::Middle),
        "early" | "beginning" | "start" | "anfang" | "début" | "debut" | "principios" | "comienzos"
        | "inizio" | "begin" | "início" | "inicio" | "början" | "beginn" => P(Part::Beginning),

        "of" | "the" | "de" | "del" | "den" | "dem" | "der" | "des" | "le" | "la" | "el" | "il" | "lo"
        | "las" | "los" | "l" | "d" | "het" | "o" | "da" | "dal" | "det" | "op" | "am" | "au" | "al"
        | "av" | "i" | "all'" | "os" | "à" | "per" => Filler,

        "easter" | "ostern" | "pâques" | "paques" | "pascua" | "pasqua" | "pasen" | "páscoa" | "påsk" => {
            F(Easter)
        }
        "christmas" | "xmas" | "weihnachten" | "noël" | "noel" | "navidad" | "natale" | "kerst" | "natal"
        | "weihnachtsferien" => F(Christmas),
        "neujahr" | "jahreswechsel" | "capodanno" | "nieuwjaar" | "nyår" => F(NewYear),
        "thanksgiving" => F(Feast::Thanksgiving),
        "holidays" | "feiertagen" | "feiertage" | "fêtes" | "fiestas" | "feste" | "feestdagen" | "festas"
        | "helgerna" => F(Holidays),
        _ => return None,
    })
}
