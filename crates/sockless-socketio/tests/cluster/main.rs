//! Several servers that share a broker, as stories. What goes wrong at random is in `cluster_simulation`.

mod asking;
mod dynamic;
mod net;
mod returning;
mod sending;
mod trouble;
