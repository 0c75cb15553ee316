//! Kafka's jars, from the Java artefact registry by Maven, once for all tests.

use rustix::process::{Pid, test_kill_process};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const KAFKA: &str = "4.1.1";

const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>vitals</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>@KAFKA@</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>@KAFKA@</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"#;

/// The folder of this version, under the target folder.
pub(super) fn home() -> PathBuf {
    witness::target().join(format!("kafka-{KAFKA}"))
}

/// Where a cluster of this process has its data. What processes that are gone left there is removed once it is an
/// hour old:
/// a broker that all tests of a process share ends with the process, and removes nothing.
pub(super) fn run_dir(number: u32) -> PathBuf {
    let run = home().join("run");
    for entry in fs::read_dir(&run).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.split('-').next().and_then(|pid| Pid::from_raw(pid.parse().ok()?));
        let is_gone = pid.is_some_and(|pid| test_kill_process(pid).is_err());
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if is_gone
            && age.is_some_and(|age| age > Duration::from_hours(1))
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            eprintln!("{} was not removed: {error}", entry.path().display());
        }
    }
    run.join(format!("{}-{number}", std::process::id()))
}

/// The folder with the jars; what is missing if they cannot be had.
pub(super) fn libs() -> Result<PathBuf, String> {
    runs("java", "-version").map_err(|error| format!("java 17 or newer is needed: {error}"))?;
    let home = home();
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    // Tests of other processes want them at the same time.
    let lock = File::create(home.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let (libs, complete) = (home.join("libs"), home.join("complete"));
    let pom = POM.replace("@KAFKA@", KAFKA);
    // Says what was fetched: another version of this program may ask for more.
    if fs::read_to_string(&complete).is_ok_and(|fetched| fetched == pom) {
        return Ok(libs);
    }
    runs("mvn", "-version").map_err(|error| format!("mvn is needed to fetch Kafka {KAFKA}: {error}"))?;
    fs::write(home.join("pom.xml"), &pom).map_err(|error| error.to_string())?;
    let told = Command::new("mvn")
        .args(["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"])
        .current_dir(&home)
        .output()
        .map_err(|error| error.to_string())?;
    if !told.status.success() {
        let said = String::from_utf8_lossy(&told.stdout);
        return Err(format!("mvn could not fetch Kafka {KAFKA}: {said}"));
    }
    fs::write(&complete, pom).map_err(|error| error.to_string())?;
    Ok(libs)
}

fn runs(program: &str, argument: &str) -> Result<(), String> {
    let told = Command::new(program).arg(argument).output();
    match told {
        Ok(told) if told.status.success() => Ok(()),
        Ok(told) => Err(format!("`{program} {argument}` ended with {}", told.status)),
        Err(error) => Err(format!("`{program}` cannot be run: {error}")),
    }
}
