#![cfg_attr(fuzzing, no_main)]

sockless_fuzz::target!(sockless_fuzz::socketio_packet::check);
