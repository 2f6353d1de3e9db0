//! Where the matters about a lead stand when they are told: which of them somebody still has to act upon.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::ids::LeadId;
use crate::domain::sla::PromiseKind;
use crate::engine::sla::ASKED;
use crate::store::{Matter, NewMatter, SlaClock};

/// Where a matter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// What was promised, and until when it is to be done; `None`: it is about no promise that runs.
    pub due: Option<(PromiseKind, Timestamp)>,
    /// Another rep has the lead now, and a promise of their own.
    pub taken_away: bool,
}

/// The matters about one lead.
#[derive(Debug, Default)]
pub(super) struct OfLead<'a> {
    /// Those upon which somebody has to act, the latest last.
    pub open: Vec<(&'a Matter, Open)>,
    /// Those upon which nobody has to any more, each with the reason, the latest last.
    pub settled: Vec<(&'a Matter, String)>,
}

/// Judges matters, in their order, lead by lead. `clocks`: all of each lead, the oldest first; of a lead that is
/// not among them there is nothing left to say.
pub(super) fn judge<'a>(
    matters: &[&'a Matter],
    clocks: &BTreeMap<LeadId, Vec<SlaClock>>,
) -> BTreeMap<LeadId, OfLead<'a>> {
    let mut judged: BTreeMap<LeadId, OfLead<'a>> = BTreeMap::new();
    for matter in matters.iter().copied() {
        let of_lead = judged.entry(matter.what.lead).or_default();
        match clocks.get(&matter.what.lead).map(|clocks| standing(&matter.what, clocks)) {
            Some(Ok(open)) => of_lead.open.push((matter, open)),
            Some(Err(why)) => of_lead.settled.push((matter, why)),
            None => of_lead.settled.push((matter, "the lead is gone".to_owned())),
        }
    }
    judged
}

/// A promise is open as long as its clock runs, or one of its kind for the next owner. One that began anew for
/// the same rep is another promise: nobody acts upon the old one. An error is the reason why nobody has to act.
fn standing(what: &NewMatter, clocks: &[SlaClock]) -> Result<Open, String> {
    let Some(clock) = clocks.iter().find(|clock| Some(clock.id) == what.clock) else {
        return Ok(Open { due: None, taken_away: false });
    };
    let of_kind = || clocks.iter().filter(|other| other.kind == clock.kind);
    let mut own = clock;
    // Whoever was asked how it stands, and has not answered, is asked again: the question is open until then.
    while own.state == "closed" && own.stopped_why.as_deref() == Some(ASKED) {
        match of_kind().find(|next| next.hand_off == own.hand_off && next.id > own.id) {
            Some(next) if next.state == "running" => return Ok(Open { due: None, taken_away: false }),
            Some(next) => own = next,
            None => break,
        }
    }
    if own.state == "running" {
        return Ok(Open { due: Some((own.kind, own.deadline_at)), taken_away: false });
    }
    let later = || of_kind().filter(|other| other.hand_off > own.hand_off);
    if let Some(running) = later().find(|other| other.state == "running") {
        return Ok(Open { due: Some((running.kind, running.deadline_at)), taken_away: true });
    }
    let last = later().next_back().unwrap_or(own);
    Err(match last.state.as_str() {
        "met" | "late" => "done meanwhile".to_owned(),
        _ => format!("over ({})", last.stopped_why.as_deref().unwrap_or("over").replace('_', " ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::escalation;
    use crate::domain::ids::{HandOffId, MatterId, SlaClockId};
    use crate::domain::mail::MailClass;

    fn due(id: i64) -> Timestamp {
        Timestamp::from_second(id * 3_600).expect("an instant")
    }

    /// A clock that is due in hour `id`.
    fn clock(id: i64, hand_off: i64, kind: PromiseKind, state: &str, why: Option<&str>) -> SlaClock {
        SlaClock {
            id: SlaClockId(id),
            hand_off: HandOffId(hand_off),
            lead: LeadId(1),
            kind,
            number: id,
            state: state.to_owned(),
            terms: String::new(),
            started_at: Timestamp::UNIX_EPOCH,
            deadline_at: due(id),
            next_at: None,
            stopped_at: None,
            stopped_why: why.map(str::to_owned),
        }
    }

    fn matter(id: i64, clock: Option<i64>) -> Matter {
        let what = NewMatter {
            recipient: "manager@ours.example".parse().expect("an address"),
            lead: LeadId(1),
            clock: clock.map(SlaClockId),
            unique_key: format!("matter:{id}"),
            class: MailClass::Escalation,
            template: "escalation".to_owned(),
            level: None,
            body: String::new(),
            weight: escalation::Matter { own: false, urgent: false, found_late: false },
            noted_at: Timestamp::UNIX_EPOCH,
        };
        Matter { id: MatterId(id), what, waits: true, due_at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_promise_is_open_while_it_runs_or_is_the_next_owner_s() {
        use PromiseKind::{Disposition, FirstContact, Quiet};
        let open = |kind, id, taken_away| Ok(Open { due: Some((kind, due(id))), taken_away });
        let asked = Some(ASKED);
        let note = Ok(Open { due: None, taken_away: false });
        for (clocks, expected) in [
            (vec![clock(1, 1, FirstContact, "running", None)], open(FirstContact, 1, false)),
            (vec![clock(1, 1, FirstContact, "met", None)], Err("done meanwhile")),
            (vec![clock(1, 1, FirstContact, "closed", Some("given_back"))], Err("over (given back)")),
            // It went to somebody else, who has to act now, or has acted.
            (
                vec![
                    clock(1, 1, FirstContact, "closed", Some("reassigned")),
                    clock(2, 2, FirstContact, "running", None),
                ],
                open(FirstContact, 2, true),
            ),
            (
                vec![
                    clock(1, 1, FirstContact, "closed", Some("reassigned")),
                    clock(2, 2, FirstContact, "late", None),
                ],
                Err("done meanwhile"),
            ),
            // The same rep owes another answer: this one was given, and the lead has not changed hands.
            (
                vec![clock(1, 1, Disposition, "late", None), clock(2, 1, Disposition, "running", None)],
                Err("done meanwhile"),
            ),
            (
                vec![clock(1, 1, Quiet, "met", Some("contacted")), clock(2, 1, Quiet, "running", None)],
                Err("done meanwhile"),
            ),
            // Asked, and to be asked again next month: the question is still open.
            (vec![clock(1, 1, Quiet, "closed", asked), clock(2, 1, Quiet, "running", None)], note),
            (
                vec![
                    clock(1, 1, Quiet, "closed", asked),
                    clock(2, 1, Quiet, "closed", asked),
                    clock(3, 1, Quiet, "running", None),
                ],
                note,
            ),
            // Asked, and heard of since.
            (
                vec![
                    clock(1, 1, Quiet, "closed", asked),
                    clock(2, 1, Quiet, "met", None),
                    clock(3, 1, Quiet, "running", None),
                ],
                Err("done meanwhile"),
            ),
            // Another promise of the lead says nothing about this one.
            (
                vec![clock(1, 1, FirstContact, "met", None), clock(2, 1, Disposition, "running", None)],
                Err("done meanwhile"),
            ),
        ] {
            let stands = standing(&matter(1, Some(1)).what, &clocks);
            assert_eq!(stands, expected.map_err(str::to_owned), "{clocks:#?}");
        }
    }

    #[test]
    fn what_is_settled_hides_nothing_that_is_open() {
        let clocks = vec![
            clock(1, 1, PromiseKind::FirstContact, "running", None),
            clock(2, 1, PromiseKind::Accept, "met", None),
        ];
        let clocks = BTreeMap::from([(LeadId(1), clocks)]);
        let (older, newer) = (matter(1, Some(1)), matter(2, Some(2)));
        let judged = judge(&[&older, &newer], &clocks);
        let of_lead = &judged[&LeadId(1)];
        assert_eq!(of_lead.open.iter().map(|(matter, _)| matter.id).collect::<Vec<_>>(), [older.id]);
        assert_eq!(of_lead.settled.iter().map(|(matter, _)| matter.id).collect::<Vec<_>>(), [newer.id]);
    }
}
