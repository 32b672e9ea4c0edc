//! Tells a process from a later one with the same id.

/// When the process `pid` was started, in the system's own words; `None` when there is no such living process.
pub fn started(pid: u32) -> Option<String> {
    let (state, started) = look_up(pid)?;
    let is_dead = state.starts_with(['Z', 'X']);
    (!is_dead).then_some(started)
}

#[cfg(target_os = "linux")]
fn look_up(pid: u32) -> Option<(String, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.to_owned();
    let started = fields.nth(18)?.to_owned();
    Some((state, started))
}

#[cfg(not(target_os = "linux"))]
fn look_up(pid: u32) -> Option<(String, String)> {
    let output = std::process::Command::new("ps")
        .args(["-o", "state=,lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let (state, started) = line.trim().split_once(' ')?;
    Some((state.to_owned(), started.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::started;

    #[test]
    fn a_living_process_has_one_start_and_a_dead_one_none() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let first = started(child.id());
        assert!(first.is_some());
        assert_eq!(first, started(child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(started(child.id()), None);
    }
}
