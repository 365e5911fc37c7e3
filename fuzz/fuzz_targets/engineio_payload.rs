#![cfg_attr(fuzzing, no_main)]

sockless_fuzz::target!(sockless_fuzz::engineio_payload::check);
