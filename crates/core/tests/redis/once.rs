//! Files have one cache, for as long as they are open.

use std::io::ErrorKind;
use std::sync::Arc;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::{Options, Primary};
use testkit::RedisServer;

use crate::stage::{Folder, at};

#[test]
fn a_second_cache_over_the_same_files_is_refused() {
    let (server, folder) = (RedisServer::start().unwrap(), Folder::new());
    let files = Arc::new(Files::new(Layout::below(folder.path())));
    let open = |files: &Arc<Files>| {
        let settings = at(server.port());
        Primary::open_with_redis(Arc::clone(files), Options::default(), None, &settings, None)
    };
    let first = open(&files).unwrap();
    let refused = |files| open(files).map(drop).unwrap_err();
    assert_eq!(refused(&files).kind(), ErrorKind::AlreadyExists);
    drop(first);
    // What the first one knew is gone with it, and nobody would tell a second one.
    let error = refused(&files);
    assert!(error.to_string().contains("open them anew"), "{error}");
    open(&Arc::new(Files::new(Layout::below(folder.path())))).unwrap();
}
