//! How often each asker may ask: remembered in memory, by the rule of [`Rate`].
//!
//! What is remembered is small and forgotten at a restart, which is to the askers' good. Several daemons count
//! apart. Addresses that have been silent are forgotten; should there be more than fit, the newest share one account.
//! Bearers of good tokens never do: there are as many of them as tokens were made, and no flood of strangers may
//! crowd them out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::config::ApiConfig;
use crate::domain::ids::TokenId;
use crate::domain::rate::{Admission, Rate};

/// Addresses that are remembered at a time.
const MOST: usize = 10_000;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// The bearer of a token.
    Token(TokenId),
    /// Somebody without a good token, at this address.
    Stranger(Option<IpAddr>),
    /// A browser with a form, at this address.
    Form(Option<IpAddr>),
}

impl Asker {
    fn rate(self, config: &ApiConfig) -> Rate {
        match self {
            Asker::Token(_) => config.token_rate,
            Asker::Stranger(_) | Asker::Form(_) => config.form_rate,
        }
    }

    /// One account for a household: IPv6 gives each 2^64 addresses.
    fn account(self) -> Asker {
        match self {
            Asker::Token(_) => self,
            Asker::Stranger(address) => Asker::Stranger(address.map(household)),
            Asker::Form(address) => Asker::Form(address.map(household)),
        }
    }
}

fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What each asker has used up.
#[derive(Debug, Default)]
pub struct Limiter(Mutex<Accounts>);

#[derive(Debug, Default)]
struct Accounts {
    /// Until when each bearer's requests are paid for.
    bearers: HashMap<TokenId, Timestamp>,
    /// The same of those who are known by their address alone.
    addresses: HashMap<Asker, Timestamp>,
}

impl Limiter {
    /// Lets a request pass, or says how long to wait.
    pub fn admit(&self, asker: Asker, config: &ApiConfig, now: Timestamp) -> Result<(), SignedDuration> {
        let mut accounts = self.accounts();
        let paid = match accounts.open(asker, now) {
            Asker::Token(id) => accounts.bearers.entry(id).or_insert(now),
            account => accounts.addresses.entry(account).or_insert(now),
        };
        match asker.rate(config).admit(Some(*paid), now) {
            Admission::Pass(next) => {
                *paid = next;
                Ok(())
            }
            Admission::Wait(wait) => Err(wait),
        }
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    /// The account that an asker's requests go to. Makes room for it, or gives the shared one.
    fn open(&mut self, asker: Asker, now: Timestamp) -> Asker {
        let account = asker.account();
        if matches!(account, Asker::Token(_))
            || self.addresses.len() < MOST
            || self.addresses.contains_key(&account)
        {
            return account;
        }
        self.addresses.retain(|_, paid| *paid > now);
        if self.addresses.len() < MOST { account } else { Asker::Form(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_442_000 + second).expect("an instant")
    }

    fn form(address: &str) -> Asker {
        Asker::Form(Some(address.parse().expect("an address")))
    }

    #[test]
    fn each_asker_has_an_account_and_a_household_has_one() {
        let config = ApiConfig { form_rate: Rate { per_minute: 6, burst: 2 }, ..ApiConfig::default() };
        let limiter = Limiter::default();
        let passes = |asker, now| limiter.admit(asker, &config, now).is_ok();
        assert!(passes(form("2001:db8::1"), at(0)) && passes(form("2001:db8::2"), at(0)));
        assert!(!passes(form("2001:db8::3"), at(0)), "its household has used it up");
        assert!(passes(form("2001:db8:0:1::1"), at(0)) && passes(form("192.0.2.1"), at(0)));
        assert!(passes(form("::ffff:192.0.2.1"), at(0)) && !passes(form("192.0.2.1"), at(0)));
        assert!(passes(form("2001:db8::3"), at(10)));
        assert_eq!(limiter.admit(form("2001:db8::3"), &config, at(10)), Err(SignedDuration::from_secs(10)));
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_memory_and_shares_an_account() {
        let config = ApiConfig { form_rate: Rate { per_minute: 1, burst: 1 }, ..ApiConfig::default() };
        let limiter = Limiter::default();
        let address = |number: u32| Asker::Form(Some(IpAddr::V4(number.into())));
        for number in 0..MOST as u32 + 10 {
            let _ = limiter.admit(address(number), &config, at(0));
        }
        assert!(limiter.admit(address(u32::MAX), &config, at(1)).is_err());
        // Whoever has a good token is no part of it.
        for token in 0..10 {
            assert!(limiter.admit(Asker::Token(TokenId(token)), &config, at(1)).is_ok(), "{token}");
        }
        assert!(limiter.accounts().addresses.len() <= MOST + 1);
        assert!(limiter.admit(address(u32::MAX), &config, at(120)).is_ok());
        assert!(limiter.accounts().addresses.len() < 10);
    }
}
