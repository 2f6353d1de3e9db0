//! A lead's passages with sales, told from its stages and hand-offs.
//!
//! A passage begins when sales gets the lead and ends when the deal is won or lost, the lead is rejected, or it
//! goes back without a word (its hand-off was dissolved). Given from one rep to another meanwhile, it goes on:
//! otherwise a lead that nobody called would count twice. A lead that came back after a rest has another
//! passage, in another round.
//!
//! A later stage implies those before it: who has a deal to win was accepted and talked to, whatever was clicked.
//! So the figures of a cohort never grow on the way down.

use jiff::Timestamp;

use super::super::ids::HandOffId;
use super::super::lead::Stage;

/// A change of a lead's stage, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageFact {
    /// When.
    pub at: Timestamp,
    /// Before.
    pub from: Stage,
    /// After.
    pub to: Stage,
    /// Why; of a lead that was given up, the reason's name in the agreement.
    pub why: String,
}

/// A hand-off of a lead to a rep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOffFact {
    /// Its row.
    pub id: HandOffId,
    /// To whom.
    pub rep: String,
    /// Of which team.
    pub team: String,
    /// From which campaign.
    pub campaign: String,
    /// When.
    pub at: Timestamp,
}

/// What became of a lead that sales had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It bought.
    Won,
    /// It did not.
    Lost,
    /// Sales gave it back.
    Rejected,
    /// It went back without a word of sales.
    Released,
}

impl Outcome {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Won => "won",
            Outcome::Lost => "lost",
            Outcome::Rejected => "rejected",
            Outcome::Released => "released",
        }
    }
}

/// How a passage ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// Why, by the agreement's name; empty where nobody gives a reason.
    pub reason: String,
}

/// A lead's way through the hands of sales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The how-many-eth time the lead was nurtured from the start: 1 is the first.
    pub round: i64,
    /// When sales got it.
    pub started_at: Timestamp,
    /// Sales had it before marketing ever nurtured it.
    pub self_sourced: bool,
    /// The campaign it came from.
    pub campaign: String,
    /// The team that had it at last.
    pub team: String,
    /// The rep who had it at last.
    pub rep: String,
    /// When it was accepted, by word or by what followed.
    pub accepted_at: Option<Timestamp>,
    /// When somebody and the lead were in touch.
    pub contacted_at: Option<Timestamp>,
    /// When there was a deal to win.
    pub opportunity_at: Option<Timestamp>,
    /// How it ended; `None`: sales has it still.
    pub end: Option<End>,
    /// After its end the lead was nurtured again.
    pub nurtured_again: bool,
    /// After its end sales got the lead once more.
    pub handed_off_again: bool,
}

/// The passages of a lead, in order. Stages and hand-offs are in order of time.
pub fn passages(stages: &[StageFact], hand_offs: &[HandOffFact]) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut round = 1;
    let mut open = false;
    for change in stages {
        if change.from.is_given_up() && !change.to.is_given_up() {
            round += 1;
        }
        let had_it = change.from.sales_has_the_word();
        let has_it = change.to.sales_has_the_word();
        if has_it && !had_it {
            if let Some(before) = passages.last_mut() {
                before.handed_off_again = true;
            }
            passages.push(begun(change, round));
            open = true;
        }
        let Some(passage) = passages.last_mut() else { continue };
        if open {
            reach(passage, change);
            if let Some(outcome) = ended(change, has_it) {
                let why = if outcome == Outcome::Won { String::new() } else { change.why.clone() };
                passage.end = Some(End { at: change.at, outcome, reason: why });
                open = false;
            }
        }
        passage.nurtured_again |= !open && change.to.is_nurtured();
    }
    // Of a hand-off that no stage tells of, nothing can be said.
    passages.retain_mut(|passage| belongs(passage, hand_offs));
    passages
}

fn begun(change: &StageFact, round: i64) -> Passage {
    Passage {
        round,
        started_at: change.at,
        self_sourced: change.from == Stage::New,
        campaign: String::new(),
        team: String::new(),
        rep: String::new(),
        accepted_at: None,
        contacted_at: None,
        opportunity_at: None,
        end: None,
        nurtured_again: false,
        handed_off_again: false,
    }
}

fn reach(passage: &mut Passage, change: &StageFact) {
    let first = |milestone: &mut Option<Timestamp>| {
        milestone.get_or_insert(change.at);
    };
    if matches!(change.to, Stage::Accepted | Stage::Contacted | Stage::Opportunity | Stage::Won) {
        first(&mut passage.accepted_at);
    }
    if matches!(change.to, Stage::Contacted | Stage::Opportunity | Stage::Won) {
        first(&mut passage.contacted_at);
    }
    if matches!(change.to, Stage::Opportunity | Stage::Won) {
        first(&mut passage.opportunity_at);
    }
}

fn ended(change: &StageFact, sales_has_it: bool) -> Option<Outcome> {
    match change.to {
        Stage::Won => Some(Outcome::Won),
        Stage::Lost => Some(Outcome::Lost),
        Stage::Rejected => Some(Outcome::Rejected),
        _ if !sales_has_it => Some(Outcome::Released),
        _ => None,
    }
}

/// Notes whose a passage was: the campaign of its first hand-off, team and rep of its last.
fn belongs(passage: &mut Passage, hand_offs: &[HandOffFact]) -> bool {
    let ended_at = passage.end.as_ref().map_or(Timestamp::MAX, |end| end.at);
    let mut of_it = hand_offs.iter().filter(|hand_off| {
        hand_off.at >= passage.started_at && (hand_off.at < ended_at || hand_off.at == passage.started_at)
    });
    let Some(first) = of_it.next() else { return false };
    let last = of_it.next_back().unwrap_or(first);
    passage.campaign.clone_from(&first.campaign);
    passage.team.clone_from(&last.team);
    passage.rep.clone_from(&last.rep);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: i8) -> Timestamp {
        format!("2026-03-{day:02}T09:00:00Z").parse().expect("an instant")
    }

    fn stages(changes: &[(i8, Stage, Stage)]) -> Vec<StageFact> {
        let change = |(day, from, to): &(i8, Stage, Stage)| StageFact {
            at: on(*day),
            from: *from,
            to: *to,
            why: "not-ready".to_owned(),
        };
        changes.iter().map(change).collect()
    }

    fn hand_offs(given: &[(i8, &str)]) -> Vec<HandOffFact> {
        let hand_off = |(day, rep): &(i8, &str)| HandOffFact {
            id: HandOffId(i64::from(*day)),
            rep: (*rep).to_owned(),
            team: "sales".to_owned(),
            campaign: format!("of day {day}"),
            at: on(*day),
        };
        given.iter().map(hand_off).collect()
    }

    use Stage::{
        Accepted, Contacted, HandedOff, Lost, New, Nurturing, Opportunity, Qualified, Rejected, Resting, Won,
    };

    #[test]
    fn who_buys_was_accepted_and_talked_to_whatever_was_clicked() {
        let course = stages(&[
            (1, New, Nurturing),
            (2, Nurturing, Qualified),
            (3, Qualified, HandedOff),
            (5, HandedOff, Opportunity),
            (9, Opportunity, Won),
        ]);
        let found = passages(&course, &hand_offs(&[(3, "rep1")]));
        let [passage] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((passage.round, passage.self_sourced, passage.rep.as_str()), (1, false, "rep1"));
        assert_eq!(passage.accepted_at, Some(on(5)));
        assert_eq!((passage.contacted_at, passage.opportunity_at), (Some(on(5)), Some(on(5))));
        let end = passage.end.as_ref().expect("it ended");
        assert_eq!((end.at, end.outcome, end.reason.as_str()), (on(9), Outcome::Won, ""));
    }

    #[test]
    fn given_to_somebody_else_it_is_the_same_passage_and_the_last_rep_s() {
        let course = stages(&[
            (3, Qualified, HandedOff),
            (4, HandedOff, Accepted),
            (5, Accepted, HandedOff),
            (6, HandedOff, Accepted),
            (7, Accepted, Contacted),
        ]);
        let found = passages(&course, &hand_offs(&[(3, "rep1"), (5, "rep2")]));
        let [passage] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((passage.campaign.as_str(), passage.rep.as_str()), ("of day 3", "rep2"));
        assert_eq!((passage.accepted_at, passage.contacted_at), (Some(on(4)), Some(on(7))));
        assert_eq!(passage.end, None);
    }

    #[test]
    fn a_lead_that_comes_back_has_another_passage_in_another_round() {
        let course = stages(&[
            (1, Qualified, HandedOff),
            (2, HandedOff, Rejected),
            (2, Rejected, Resting),
            (10, Resting, Nurturing),
            (11, Nurturing, Qualified),
            (12, Qualified, HandedOff),
            (13, HandedOff, Lost),
            (13, Lost, Resting),
            (20, Resting, Qualified),
        ]);
        let found = passages(&course, &hand_offs(&[(1, "rep1"), (12, "rep2")]));
        let told: Vec<_> = found
            .iter()
            .map(|passage| {
                let outcome = passage.end.as_ref().map(|end| (end.outcome, end.reason.as_str()));
                (passage.round, outcome, passage.nurtured_again, passage.handed_off_again)
            })
            .collect();
        assert_eq!(
            told,
            [
                (1, Some((Outcome::Rejected, "not-ready")), true, true),
                (2, Some((Outcome::Lost, "not-ready")), true, false),
            ]
        );
    }

    #[test]
    fn what_sales_found_itself_was_never_nurtured() {
        let found =
            passages(&stages(&[(1, New, HandedOff), (1, HandedOff, Won)]), &hand_offs(&[(1, "rep1")]));
        assert!(found.len() == 1 && found[0].self_sourced);
        let nurtured = stages(&[(1, New, Nurturing), (2, Nurturing, HandedOff)]);
        assert!(!passages(&nurtured, &hand_offs(&[(2, "rep1")]))[0].self_sourced);
    }

    #[test]
    fn a_hand_off_that_was_dissolved_is_released() {
        let course = stages(&[(1, Qualified, HandedOff), (2, HandedOff, Qualified)]);
        let found = passages(&course, &hand_offs(&[(1, "rep1")]));
        assert_eq!(found[0].end.as_ref().map(|end| end.outcome), Some(Outcome::Released));
        assert!(found[0].nurtured_again);
    }

    #[test]
    fn stages_without_a_hand_off_are_no_passage() {
        assert_eq!(passages(&stages(&[(1, Qualified, HandedOff)]), &[]), []);
        assert_eq!(passages(&[], &hand_offs(&[(1, "rep1")])), []);
    }
}
