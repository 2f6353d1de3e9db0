//! Who may ask.

use jiff::SignedDuration;
use nurtured::domain::access::Scope;
use nurtured::engine::tokens::{TokenError, TokenWish};

use super::site::{Site, start};

fn wish(name: &str, scopes: &[Scope]) -> TokenWish {
    TokenWish { name: name.to_owned(), scopes: scopes.to_vec(), campaign: None, expires_at: None }
}

pub async fn a_token_is_good_for_its_scopes_until_it_is_revoked_or_expires(site: Site) {
    let engine = &site.engine;
    let crm = engine.new_token(wish("crm", &[Scope::LeadsRead]), start()).await.expect("a token");
    assert!(crm.starts_with("nurtured_") && crm.len() == "nurtured_".len() + 43, "{}", crm.len());
    site.get(&crm, "/v1/leads").await.ok(200);
    site.get(&crm, "/v1/suppressions").await.is(403, "forbidden");
    let shorter = &crm[..crm.len() - 1];
    for bad in ["", "nurtured_", shorter, &format!("{crm}x"), "basic", "Bearer"] {
        let refused = site.get(bad, "/v1/leads").await;
        refused.is(401, "unauthorised");
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
    }
    // Only its hash is kept, and the hash is no token.
    let mut tx = engine.store().read().await.expect("a transaction");
    let kept = format!("{:?}", tx.tokens().await.expect("tokens"));
    tx.rollback().await.expect("the end");
    assert!(!kept.contains(&crm[9..]), "{kept}");

    let again = engine.new_token(wish("crm", &[Scope::LeadsRead]), start()).await;
    assert!(matches!(again, Err(TokenError::NameTaken(_))), "{again:?}");
    let mut tx = engine.store().begin().await.expect("a transaction");
    assert!(tx.revoke_token("crm", start()).await.expect("an answer"));
    assert!(!tx.revoke_token("crm", start()).await.expect("an answer"), "it was revoked");
    tx.commit().await.expect("committed");
    site.get(&crm, "/v1/leads").await.is(401, "unauthorised");
    engine.new_token(wish("crm", &[Scope::LeadsRead]), start()).await.expect("the name is free again");

    let expires_at = Some(start() + SignedDuration::from_hours(1));
    let short =
        engine.new_token(TokenWish { expires_at, ..wish("short", &[Scope::LeadsRead]) }, start()).await;
    let short = short.expect("a token");
    site.get(&short, "/v1/leads").await.ok(200);
    site.clock.set(start() + SignedDuration::from_hours(1));
    site.get(&short, "/v1/leads").await.is(401, "unauthorised");
    for (wish, error) in [
        (wish("a", &[]), "without a scope"),
        (TokenWish { expires_at: Some(start()), ..wish("a", &[Scope::LeadsRead]) }, "expired already"),
        (
            TokenWish { campaign: Some("default".to_owned()), ..wish("a", &[Scope::LeadsRead]) },
            "forms:write alone",
        ),
        (TokenWish { campaign: Some("no".to_owned()), ..wish("a", &[Scope::FormsWrite]) }, "no campaign"),
    ] {
        let refused = engine.new_token(wish, site.clock.now()).await.expect_err("it makes no sense");
        assert!(refused.to_string().contains(error), "{refused}");
    }
}
