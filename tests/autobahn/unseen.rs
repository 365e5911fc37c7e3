//! What the suite doesn't look at: close codes beyond its list.

use crate::closing::forbidden;
use crate::script::{Case, Cut};
use crate::wire::{Tested, in_both_roles};

in_both_roles!(every_close_code_is_answered_or_fails, close_codes_beyond_4999_fail);

fn every_close_code_is_answered_or_fails<R: Tested>() {
    for code in 0..=4999 {
        let case = match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => {
                Case::new(format!("code {code}")).close(Some(code), "why")
            }
            _ => forbidden(&format!("code {code}"), code),
        };
        case.run_at::<R>(&[Cut::Whole, Cut::Bytes(1)]);
    }
}

fn close_codes_beyond_4999_fail<R: Tested>() {
    for code in 5000..=u16::MAX {
        forbidden(&format!("code {code}"), code).run_at::<R>(&[Cut::Bytes(7)]);
    }
}
