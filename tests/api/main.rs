//! The HTTP API as a CRM, a web form and a curious stranger meet it: over real connections, on both databases.

#[path = "../support/postgres.rs"]
mod postgres;

mod document;
mod forms;
mod inbound;
mod leads;
mod once;
mod persons;
mod site;
mod tokens;
mod webhooks;

/// Makes two tests of each story: one on SQLite, one on PostgreSQL.
macro_rules! stories {
    ($($file:ident: $($story:ident),+;)+) => {
        mod on_sqlite {
            $($(#[tokio::test]
            async fn $story() {
                super::$file::$story(super::site::Site::on_sqlite().await).await;
            })+)+
        }
        mod on_postgres {
            $($(#[tokio::test]
            async fn $story() {
                if let Some(site) = super::site::Site::on_postgres().await {
                    super::$file::$story(site).await;
                }
            })+)+
        }
    };
}

stories! {
    document: every_documented_operation_is_there_and_asks_for_its_scope;
    leads: a_lead_is_taken_in_once_and_looked_at, leads_are_listed_page_by_page, a_rep_s_word_counts_and_a_stranger_s_does_not,
        a_crm_asks_before_a_rep_dials, the_history_has_its_reasons, suppressions_are_said_seen_and_lifted;
    once: a_request_that_is_sent_twice_is_done_once, of_many_at_the_same_instant_one_is_done,
        a_key_names_one_request, old_answers_are_forgotten,
        what_fails_half_way_is_undone_and_the_same_request_may_come_again,
        an_answer_that_cannot_be_kept_is_given_and_its_request_not_done_twice;
    tokens: a_token_is_good_for_its_scopes_until_it_is_revoked_or_expires;
    inbound: a_mail_that_is_handed_in_counts_once_and_needs_its_own_scope;
    forms: a_form_hands_in_a_lead_and_learns_nothing, a_form_s_key_is_for_forms_alone;
    persons: what_is_erased_is_nowhere, every_column_that_may_hold_words_is_looked_at, what_is_kept_of_a_person_is_told_whole,
        whoever_was_erased_is_not_taken_in_again_until_they_ask;
    webhooks: each_event_is_told_once_in_its_order_and_signed,
        a_message_that_is_not_taken_waits_with_those_behind_it_and_others_pass,
        an_endpoint_where_nobody_listens_is_parked_after_days_and_the_operator_told,
        a_message_that_is_never_taken_is_given_up_and_the_operator_told_once_a_day,
        whoever_was_erased_meanwhile_is_not_spoken_of;
}
