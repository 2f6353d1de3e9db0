//! Adds up figures lead by lead.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::ids::{HandOffId, LeadId};
use super::super::lead::Stage;
use super::attainment::PromiseFact;
use super::passages::{End, HandOffFact, Outcome, Passage, StageFact, passages};
use super::period::Period;
use super::{By, Group, Happened, Report, Said};

/// Stories that a report tells at most: the latest.
const STORIES: usize = 10;

/// Stages whose length a report tells: those from the first mail to the last word.
const STAYS: [Stage; 6] = [
    Stage::Nurturing,
    Stage::Qualified,
    Stage::HandedOff,
    Stage::Accepted,
    Stage::Contacted,
    Stage::Opportunity,
];

/// What is known of one lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadFacts {
    /// Which.
    pub lead: LeadId,
    /// Where it first came from.
    pub source: Option<String>,
    /// Its hand-offs, in order.
    pub hand_offs: Vec<HandOffFact>,
    /// Its stages, in order.
    pub stages: Vec<StageFact>,
    /// The promises that were made about it.
    pub promises: Vec<PromiseFact>,
    /// What reps heard from it, and when: an objection, what convinced it.
    pub heard: Vec<(Timestamp, Said, String)>,
}

/// The sum so far.
pub struct Tally {
    teams: Option<BTreeSet<String>>,
    report: Report,
    won: BTreeMap<(Timestamp, LeadId), Passage>,
}

impl Tally {
    /// Nothing yet. With `teams`, only what concerns them is counted.
    pub fn new(period: Period, teams: Option<BTreeSet<String>>, now: Timestamp) -> Tally {
        let report = Report {
            period,
            now,
            labels: BTreeMap::new(),
            against_gate: BTreeMap::new(),
            currency: None,
            happened: Happened::default(),
            attainment: BTreeMap::new(),
            funnels: BTreeMap::new(),
            cohorts: BTreeMap::new(),
            rounds: BTreeMap::new(),
            self_sourced: super::funnel::Funnel::default(),
            from_marketing: super::funnel::Funnel::default(),
            stays: BTreeMap::new(),
            reasons: BTreeMap::new(),
            costs: Vec::new(),
            answers: Vec::new(),
            stories: Vec::new(),
        };
        Tally { teams, report, won: BTreeMap::new() }
    }

    /// One more lead.
    pub fn add(&mut self, facts: &LeadFacts) {
        let source = facts.source.as_deref().unwrap_or_default();
        self.promises(facts, source);
        let ours = passages(&facts.stages, &facts.hand_offs);
        let ours: Vec<Passage> = ours.into_iter().filter(|passage| self.counts(&passage.team)).collect();
        if !ours.is_empty() {
            self.stays(&facts.stages);
        }
        for (at, said, name) in &facts.heard {
            // Whoever had the lead when it was said, or had had it last.
            let passage = ours.iter().rfind(|passage| passage.started_at <= *at);
            if let Some(passage) = passage.filter(|_| self.report.period.has(*at)) {
                let groups = groups(&passage.campaign, source, &passage.team, &passage.rep);
                self.said(&groups, *said, name);
            }
        }
        for passage in ours {
            self.passage(facts.lead, source, passage);
        }
    }

    /// The figures, and the deals whose stories are worth telling, the latest first.
    pub fn finish(self) -> (Report, Vec<(LeadId, Passage)>) {
        let won = self.won.into_iter().rev().map(|((_, lead), passage)| (lead, passage)).collect();
        (self.report, won)
    }

    fn counts(&self, team: &str) -> bool {
        self.teams.as_ref().is_none_or(|teams| teams.contains(team))
    }

    fn promises(&mut self, facts: &LeadFacts, source: &str) {
        let of = |id: HandOffId| facts.hand_offs.iter().find(|hand_off| hand_off.id == id);
        for promise in facts.promises.iter().filter(|promise| self.report.period.has(promise.started_at)) {
            let Some(hand_off) = of(promise.hand_off).filter(|hand_off| self.counts(&hand_off.team)) else {
                continue;
            };
            let groups = groups(&hand_off.campaign, source, &hand_off.team, &hand_off.rep);
            for group in groups {
                let sum = self.report.attainment.entry((group, promise.kind.clone())).or_default();
                sum.add(promise, self.report.now);
            }
        }
    }

    fn passage(&mut self, lead: LeadId, source: &str, passage: Passage) {
        let has = |at: Option<Timestamp>| at.is_some_and(|at| self.report.period.has(at));
        let happened = &mut self.report.happened;
        happened.handed_off += i64::from(has(Some(passage.started_at)));
        happened.accepted += i64::from(has(passage.accepted_at));
        happened.contacted += i64::from(has(passage.contacted_at));
        happened.opportunity += i64::from(has(passage.opportunity_at));
        let groups = groups(&passage.campaign, source, &passage.team, &passage.rep);
        if has(Some(passage.started_at)) {
            self.cohort(&groups, &passage);
        }
        let Some(End { at, outcome, reason }) = passage.end.clone() else { return };
        if !self.report.period.has(at) {
            return;
        }
        match outcome {
            Outcome::Rejected => {
                self.report.happened.rejected += 1;
                self.said(&groups, Said::Rejected, &reason);
            }
            Outcome::Lost => {
                self.report.happened.lost += 1;
                self.said(&groups, Said::Lost, &reason);
            }
            Outcome::Won => {
                self.report.happened.won += 1;
                self.won.insert((at, lead), passage);
                if self.won.len() > STORIES {
                    self.won.pop_first();
                }
            }
            Outcome::Released => {}
        }
    }

    fn cohort(&mut self, groups: &[Group], passage: &Passage) {
        for group in groups {
            self.report.funnels.entry(group.clone()).or_default().add(passage);
        }
        let month = self.report.period.month_of(passage.started_at);
        self.report.cohorts.entry(month).or_default().add(passage);
        let round = self.report.rounds.entry(passage.round).or_default();
        round.funnel.add(passage);
        if passage.end.as_ref().is_some_and(|end| end.outcome != Outcome::Won) {
            round.nurtured_again += i64::from(passage.nurtured_again);
            round.handed_off_again += i64::from(passage.handed_off_again);
        }
        match passage.self_sourced {
            true => self.report.self_sourced.add(passage),
            false => self.report.from_marketing.add(passage),
        }
    }

    fn said(&mut self, groups: &[Group], said: Said, reason: &str) {
        for group in groups {
            *self.report.reasons.entry((group.clone(), said, reason.to_owned())).or_default() += 1;
        }
    }

    fn stays(&mut self, stages: &[StageFact]) {
        for (entered, left) in stages.iter().zip(stages.iter().skip(1)) {
            if STAYS.contains(&entered.to) && entered.to == left.from && self.report.period.has(left.at) {
                let minutes = left.at.duration_since(entered.at).as_mins();
                self.report.stays.entry(entered.to).or_default().add(minutes);
            }
        }
    }
}

/// Everybody, and each way to split.
fn groups(campaign: &str, source: &str, team: &str, rep: &str) -> [Group; 5] {
    let of = |by, name: &str| Group { by: Some(by), name: name.to_owned() };
    [Group::all(), of(By::Campaign, campaign), of(By::Source, source), of(By::Team, team), of(By::Rep, rep)]
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::attainment::ClockState;
    use super::*;

    fn at(month: i8, day: i8) -> Timestamp {
        date(2026, month, day).at(9, 0, 0, 0).to_zoned(TimeZone::UTC).expect("an instant").timestamp()
    }

    fn march() -> Period {
        Period::of_days(date(2026, 3, 1), date(2026, 3, 31), &TimeZone::UTC).expect("a period")
    }

    fn lead(id: i64, team: &str, changes: &[(Timestamp, Stage, Stage)], given_at: &[Timestamp]) -> LeadFacts {
        LeadFacts {
            lead: LeadId(id),
            source: (id % 2 == 0).then(|| "google".to_owned()),
            hand_offs: given_at
                .iter()
                .zip(1..)
                .map(|(given, number)| HandOffFact {
                    id: HandOffId(id * 100 + number),
                    rep: format!("rep{number}@ours.example"),
                    team: team.to_owned(),
                    campaign: "webinar".to_owned(),
                    at: *given,
                })
                .collect(),
            stages: changes
                .iter()
                .map(|(at, from, to)| StageFact {
                    at: *at,
                    from: *from,
                    to: *to,
                    why: "no-budget".to_owned(),
                })
                .collect(),
            promises: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn figures(leads: &[LeadFacts], teams: Option<BTreeSet<String>>) -> (Report, Vec<(LeadId, Passage)>) {
        let mut tally = Tally::new(march(), teams, at(5, 1));
        leads.iter().for_each(|lead| tally.add(lead));
        tally.finish()
    }

    use Stage::{HandedOff, Nurturing, Opportunity, Qualified, Rejected, Resting, Won};

    #[test]
    fn a_cohort_is_what_was_handed_off_in_the_period_and_happened_is_what_happened_in_it() {
        let before = lead(
            1,
            "sales",
            &[
                (at(2, 20), Qualified, HandedOff),
                (at(3, 5), HandedOff, Opportunity),
                (at(3, 9), Opportunity, Won),
            ],
            &[at(2, 20)],
        );
        let within = lead(
            2,
            "sales",
            &[
                (at(3, 10), Qualified, HandedOff),
                (at(4, 2), HandedOff, Rejected),
                (at(4, 2), Rejected, Resting),
            ],
            &[at(3, 10)],
        );
        let (report, won) = figures(&[before, within], None);
        let happened = report.happened;
        assert_eq!(
            (happened.handed_off, happened.opportunity, happened.won, happened.rejected),
            (1, 1, 1, 0)
        );
        let march = report.cohorts[&date(2026, 3, 1)];
        assert_eq!((report.cohorts.len(), march.handed_off, march.rejected), (1, 1, 1));
        assert_eq!(report.reasons.len(), 0, "it was rejected in April");
        assert_eq!(won.iter().map(|(lead, _)| lead.0).collect::<Vec<_>>(), [1]);
        // Thirteen days with sales ended in the period; the other lead's ended after it.
        let handed_off = &report.stays[&HandedOff];
        assert_eq!((handed_off.count(), handed_off.median()), (1, Some(13 * 24 * 60)));
    }

    #[test]
    fn a_team_s_report_has_the_leads_of_that_team() {
        let changes = [(at(3, 2), Qualified, HandedOff)];
        let leads = [lead(1, "sales", &changes, &[at(3, 2)]), lead(2, "partners", &changes, &[at(3, 2)])];
        let (report, _) = figures(&leads, Some(BTreeSet::from(["partners".to_owned()])));
        assert_eq!(report.happened.handed_off, 1);
        let names: Vec<&str> = report.funnels.keys().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["", "webinar", "google", "partners", "rep1@ours.example"]);
    }

    #[test]
    fn a_promise_is_that_of_the_rep_who_made_it() {
        let mut taken_away = lead(1, "sales", &[(at(3, 2), Qualified, HandedOff)], &[at(3, 2), at(3, 4)]);
        for (number, state, stopped) in [(1, ClockState::Closed, at(3, 4)), (2, ClockState::Met, at(3, 5))] {
            taken_away.promises.push(PromiseFact {
                hand_off: HandOffId(100 + number),
                kind: "first_contact".to_owned(),
                state,
                started_at: at(3, 2),
                deadline_at: at(3, 3),
                stopped_at: Some(stopped),
                minutes: Some(30),
                paused_minutes: 0,
                detected_late: number == 1,
            });
        }
        let (report, _) = figures(&[taken_away], None);
        let of = |rep: &str| {
            let group = Group { by: Some(By::Rep), name: rep.to_owned() };
            let sum = &report.attainment[&(group, "first_contact".to_owned())];
            (sum.made, sum.kept, sum.missed, sum.detected_late)
        };
        assert_eq!(of("rep1@ours.example"), (1, 0, 1, 1));
        assert_eq!(of("rep2@ours.example"), (1, 1, 0, 0));
        assert_eq!(report.attainment_of("first_contact").map(|all| (all.made, all.missed)), Some((2, 1)));
    }

    proptest! {
        /// Whatever the leads went through: cohorts never grow on the way down, every split adds up to the whole, and
        /// so do origins and rounds.
        #[test]
        fn every_split_adds_up_to_the_whole(
            courses in prop::collection::vec((0_usize..6, 1_i8..60, 0_usize..3), 0..40),
        ) {
            let leads: Vec<LeadFacts> = courses
                .iter()
                .zip(1..)
                .map(|((course, day, team), id)| {
                    let on = |later: i64| at(2, 1) + jiff::SignedDuration::from_hours(24 * (i64::from(*day) + later));
                    let ends: &[Stage] = match course {
                        0 => &[],
                        1 => &[Stage::Accepted, Stage::Contacted],
                        2 => &[Opportunity, Won],
                        3 => &[Stage::Accepted, Rejected, Resting, Nurturing],
                        4 => &[Opportunity, Stage::Lost, Resting],
                        _ => &[Qualified],
                    };
                    let mut changes = vec![(on(0), if course % 2 == 0 { Qualified } else { Stage::New }, HandedOff)];
                    let mut from = HandedOff;
                    for (to, later) in ends.iter().zip(1..) {
                        changes.push((on(later), from, *to));
                        from = *to;
                    }
                    lead(id, ["sales", "partners", "others"][*team], &changes, &[on(0)])
                })
                .collect();
            let (report, _) = figures(&leads, None);
            let sums = |funnels: &mut dyn Iterator<Item = super::super::funnel::Funnel>| {
                funnels.fold([0; 9], |sum, f| {
                    let counts = [f.handed_off, f.accepted, f.contacted, f.opportunity, f.won, f.lost, f.rejected, f.released, f.open];
                    std::array::from_fn(|index| sum[index] + counts[index])
                })
            };
            let whole = sums(&mut report.funnels.get(&Group::all()).copied().into_iter());
            for by in By::ALL {
                let split = &mut report.funnels.iter().filter(|(group, _)| group.by == Some(*by)).map(|(_, f)| *f);
                prop_assert_eq!(sums(split), whole, "{:?}", by);
            }
            prop_assert_eq!(sums(&mut report.cohorts.values().copied()), whole);
            prop_assert_eq!(sums(&mut report.rounds.values().map(|round| round.funnel)), whole);
            prop_assert_eq!(sums(&mut [report.self_sourced, report.from_marketing].into_iter()), whole);
            for funnel in report.funnels.values() {
                prop_assert!(funnel.handed_off >= funnel.accepted && funnel.accepted >= funnel.contacted);
                prop_assert!(funnel.contacted >= funnel.opportunity && funnel.opportunity >= funnel.won);
                let ended = funnel.won + funnel.lost + funnel.rejected + funnel.released + funnel.open;
                prop_assert_eq!(ended, funnel.handed_off);
            }
        }
    }
}
