//! Places that cannot be written as they should: what is said, and that nothing is half done.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::{WriteError, WriteOptions};
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Json, Options, blocking::Primary};
use testkit::eventually;

const SOON: Duration = Duration::from_secs(5);

fn open(root: &Path) -> Primary {
    let options = Options { compress: false, ..Options::default() };
    Primary::open(Arc::new(Files::new(Layout::below(root))), options, None).unwrap()
}

fn record(filler: usize) -> Object {
    let text = format!(r#"{{"name":"m","description":"{}"}}"#, "x".repeat(filler));
    Json::parse(text.as_bytes()).unwrap().as_object().cloned().unwrap()
}

fn write(primary: &Primary, name: &str, filler: usize) -> Result<(), WriteError> {
    let options = WriteOptions::default().local();
    primary.update(Category::Clip, name, record(filler), options).map(|_| ())
}

/// Something mounted, unmounted with the value. `None` where mounting is not allowed.
struct Mounted(PathBuf);

impl Mounted {
    fn new(arguments: &[&str], at: &Path) -> Option<Self> {
        let mounted = Command::new("mount").args(arguments).arg(at).output().ok()?;
        if mounted.status.success() {
            return Some(Self(at.to_owned()));
        }
        eprintln!("skipped: mounting is not allowed here");
        None
    }

    fn again(&self, options: &str) {
        let options = format!("remount,{options}");
        // A write is answered before its writer has tidied up, and until then the disk is busy.
        let remounted = eventually(SOON, || {
            let ran = Command::new("mount").args(["-o", &options]).arg(&self.0).output().unwrap();
            if ran.status.success() { Ok(()) } else { Err(ran) }
        });
        remounted.unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn is_superuser() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_full_disk_loses_nothing_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = ["-t", "tmpfs", "-o", "size=600k", "none"];
    let Some(_disk) = Mounted::new(&at, folder.path()) else { return };
    let primary = open(folder.path());
    write(&primary, "small", 10).unwrap();
    let file = folder.path().join("clip.json");
    let before = std::fs::read(&file).unwrap();
    let refused = write(&primary, "large", 1 << 20).unwrap_err();
    assert!(matches!(refused, WriteError::Storage(_)), "{refused:?}");
    let words = refused.to_string();
    assert!(words.contains("clip.json") && words.contains("No space left"), "{words}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    write(&primary, "small again", 10).unwrap();
    assert!(primary.category_blocking(Category::Clip).view.len() == 2);
}

#[test]
fn a_disk_that_turns_read_only_is_named_and_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Mounted::new(&["-t", "tmpfs", "none"], folder.path()) else { return };
    let primary = open(folder.path());
    write(&primary, "before", 10).unwrap();
    disk.again("ro");
    let refused = write(&primary, "after", 10).unwrap_err();
    assert!(refused.to_string().contains("Read-only"), "{refused}");
    let read = primary.category_blocking(Category::Clip);
    assert!(read.fresh && read.view.len() == 1);
    drop(primary);
    // Also when it is opened there.
    let primary = open(folder.path());
    assert_eq!(primary.category_strong(Category::Clip).view.len(), 1);
    assert!(write(&primary, "after", 10).is_err());
    disk.again("rw");
    write(&primary, "after", 10).unwrap();
}

#[test]
fn a_file_that_is_mounted_by_itself_cannot_be_replaced_and_the_words_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (file, elsewhere) = (folder.path().join("clip.json"), folder.path().join("elsewhere"));
    std::fs::write(&file, "{}").unwrap();
    std::fs::write(&elsewhere, "{}").unwrap();
    let bind = ["--bind", elsewhere.to_str().unwrap()];
    let Some(_mounted) = Mounted::new(&bind, &file) else { return };
    let primary = open(folder.path());
    let refused = write(&primary, "m", 10).unwrap_err();
    assert!(refused.to_string().contains("mount its folder"), "{refused}");
    assert_eq!(std::fs::read(&file).unwrap(), b"{}");
}

#[test]
fn a_folder_of_somebody_else_is_named_and_still_read() {
    if is_superuser() {
        // The superuser may write everywhere, so somebody else does this.
        let name = "a_folder_of_somebody_else_is_named_and_still_read";
        let mut again = Command::new(std::env::current_exe().unwrap());
        match again.args(["--exact", name]).uid(65534).gid(65534).output() {
            Ok(ran) => assert!(ran.status.success(), "{ran:?}"),
            Err(error) => eprintln!("skipped: nobody else may run the test: {error}"),
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("clip.json"), r#"{"m":{}}"#).unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o555)).unwrap();
    let primary = open(folder.path());
    let refused = write(&primary, "n", 10).unwrap_err();
    assert!(refused.to_string().contains("ermission denied"), "{refused}");
    assert_eq!(primary.category_strong(Category::Clip).view.len(), 1);
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn a_link_stays_a_link_and_its_target_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let target = folder.path().join("real.json");
    std::fs::write(&target, "{}").unwrap();
    std::fs::set_permissions(&target, PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&target, data.join("clip.json")).unwrap();
    let primary = open(&data);
    write(&primary, "m", 10).unwrap();
    assert!(data.join("clip.json").is_symlink());
    let text = std::fs::read_to_string(&target).unwrap();
    assert!(text.contains("\"m\""), "{text}");
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(primary.category_blocking(Category::Clip).view.len(), 1);
}

#[test]
fn somebody_who_holds_the_lock_for_long_makes_a_write_busy_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("clip.json"), "{}").unwrap();
    let primary = open(folder.path());
    write(&primary, "before", 10).unwrap();
    let control = std::fs::File::open(folder.path().join(".coherence/clip.json.ctl")).unwrap();
    control.lock().unwrap();
    let refused = write(&primary, "meanwhile", 10).unwrap_err();
    assert!(matches!(refused, WriteError::Busy(_)), "{refused:?}");
    control.unlock().unwrap();
    write(&primary, "after", 10).unwrap();
    let view = primary.category_blocking(Category::Clip).view;
    let names: Vec<&String> = view.records().unwrap().keys().collect();
    assert_eq!(names, ["before", "after"]);
}
