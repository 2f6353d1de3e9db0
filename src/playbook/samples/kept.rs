//! What mails about the agreement itself show: what marketing is behind with, and how both sides kept their promises.

use serde_json::{Map, Value, json};

use super::Sample;

pub(super) fn about_what_is_behind(values: &mut Map<String, Value>, sample: Sample) {
    let mut commitments = json!([{
        "title": "webinar-leads: campaign webinar, April 2026",
        "pace": "9 of 20 business days are over.",
        "needed": "To keep it, 29 more leads are needed in the 11 business days that are left: 2.7 a day.",
    }]);
    let mut figures = json!([
        {
            "about": "webinar-leads",
            "what": "qualified leads",
            "agreed": "40",
            "actual": "11 (18 due by now)",
            "verdict": "behind",
        },
        {
            "about": "webinar-leads",
            "what": "sent back as “Wrong or missing data”",
            "agreed": "at most 10%",
            "actual": "4% (1 of 22)",
            "verdict": "on course",
        },
    ]);
    if sample == Sample::Rich {
        let stock = "In stock: 12 qualified leads wait for a rep, 40 are close to the hand-off point. \
                     Sales takes about 30 a week, so that is 1.7 weeks of hand-offs.";
        values.insert("stock".to_owned(), json!(stock));
    } else {
        if let Some(commitment) = commitments.get_mut(0).and_then(Value::as_object_mut) {
            commitment.remove("needed");
        }
        if let Some(figures) = figures.as_array_mut() {
            figures.truncate(1);
        }
    }
    values.insert("commitments".to_owned(), commitments);
    values.insert("figures".to_owned(), figures);
}

pub(super) fn about_the_review(values: &mut Map<String, Value>, sample: Sample) {
    let mut review = json!({
        "signed": "on 5 January 2026 by Ann Meyer and Tom Weiss",
        "due": "5 April 2026",
        "since": "5 January 2026",
    });
    if sample == Sample::Rich {
        review["kept"] = json!([
            { "what": "first contact (hot)", "words": "93%: 41 of 44" },
            { "what": "first contact (standard)", "words": "78%: 94 of 120" },
        ]);
        review["rejected"] = json!([
            { "what": "Not ready yet", "words": "12 of 20" },
            { "what": "Wrong or missing data", "words": "8 of 20" },
        ]);
        review["fired"] = json!([
            { "what": "first contact (standard), level warning", "words": "51 times" },
            { "what": "first contact (standard), level breach", "words": "26 times" },
        ]);
        values.insert(
            "figures".to_owned(),
            json!([{
                "about": "quality",
                "what": "accepted by sales",
                "agreed": "at least 70%",
                "actual": "64% (16 of 25)",
                "verdict": "too few",
            }]),
        );
    }
    values.insert("review".to_owned(), review);
}
