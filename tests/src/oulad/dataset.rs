//! The five files as one value: presentations, assessments, enrolments, and what each student did.
//!
//! Nothing is decided here; what the numbers mean as activity is decided in `timeline`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;

use super::table::{Row, Table};

/// A term. The data set gives the month, and every day relative to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presentation {
    /// February 2013.
    B2013,
    /// October 2013.
    J2013,
}

impl Presentation {
    /// The presentation of this code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::B2013, Self::J2013].into_iter().find(|presentation| presentation.code() == code)
    }

    /// Its code in the data set.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::B2013 => "2013B",
            Self::J2013 => "2013J",
        }
    }

    /// Midnight of its day 0 in Unix seconds: 2013-02-01 and 2013-10-01.
    pub(super) const fn starts_s(self) -> i64 {
        match self {
            Self::B2013 => 1_359_676_800,
            Self::J2013 => 1_380_585_600,
        }
    }
}

/// Something that students hand in.
#[derive(Debug)]
pub(super) struct Assessment {
    pub(super) id: String,
    pub(super) course: Course,
    /// The type in lower case: `tma` is marked by a tutor, `cma` by a computer.
    pub(super) kind: String,
    pub(super) due: Option<i64>,
    /// Whether anything handed in is recorded, by any student.
    pub(super) is_recorded: bool,
}

/// A module in a presentation.
pub(super) type Course = (String, Presentation);

/// What a student handed in.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) assessment: usize,
    pub(super) day: i64,
    /// Carried over from an earlier presentation.
    pub(super) is_banked: bool,
    pub(super) score: i64,
}

/// A student in a presentation of a module.
#[derive(Debug)]
pub(super) struct Enrolment {
    pub(super) course: Course,
    pub(super) student: String,
    pub(super) registered: Option<i64>,
    pub(super) withdrawn: Option<i64>,
    pub(super) clicks_before_start: Option<i64>,
    /// In the order of the file.
    pub(super) submissions: Vec<Submission>,
}

/// The data set.
#[derive(Debug)]
pub struct Dataset {
    /// The length of each course in days.
    pub(super) lengths: HashMap<Course, i64>,
    pub(super) assessments: Vec<Assessment>,
    pub(super) enrolments: Vec<Enrolment>,
}

impl Dataset {
    /// Reads the files of a directory.
    ///
    /// # Errors
    ///
    /// Fails where a file cannot be read, or a cell not understood; the error names file, line, column and
    /// value.
    pub fn read(directory: &Path) -> Result<Self> {
        let mut dataset = Self { lengths: HashMap::new(), assessments: Vec::new(), enrolments: Vec::new() };
        for row in &Table::read(directory, "courses.csv")?.rows()? {
            dataset.lengths.insert(course(row)?, row.whole("module_presentation_length")?);
        }
        dataset.read_assessments(&Table::read(directory, "assessments.csv")?)?;
        let mut places = HashMap::new();
        for row in &Table::read(directory, "studentRegistration.csv")?.rows()? {
            let enrolment = dataset.enrolment(row)?;
            places.insert((enrolment.course.clone(), enrolment.student.clone()), dataset.enrolments.len());
            dataset.enrolments.push(enrolment);
        }
        dataset.read_submissions(&Table::read(directory, "studentAssessment.csv")?, &places)?;
        for row in &Table::read(directory, "preCourseClicks.csv")?.rows()? {
            let student = row.text("id_student")?;
            let place = places.get(&(course(row)?, student.to_owned()));
            let place = *place.ok_or_else(|| row.wrong("id_student", student, "not enrolled"))?;
            dataset.enrolments[place].clicks_before_start = Some(row.whole("pre_course_clicks")?);
        }
        Ok(dataset)
    }

    fn read_assessments(&mut self, table: &Table) -> Result<()> {
        for row in &table.rows()? {
            let course = course(row)?;
            if !self.lengths.contains_key(&course) {
                return Err(row.wrong("code_module", &course.0, "not in courses.csv"));
            }
            self.assessments.push(Assessment {
                id: row.text("id_assessment")?.to_owned(),
                course,
                kind: row.text("assessment_type")?.to_ascii_lowercase(),
                due: row.whole_or_empty("date")?,
                is_recorded: false,
            });
        }
        Ok(())
    }

    fn enrolment(&self, row: &Row<'_>) -> Result<Enrolment> {
        let course = course(row)?;
        if !self.lengths.contains_key(&course) {
            return Err(row.wrong("code_module", &course.0, "not in courses.csv"));
        }
        Ok(Enrolment {
            course,
            student: row.text("id_student")?.to_owned(),
            registered: row.whole_or_empty("date_registration")?,
            withdrawn: row.whole_or_empty("date_unregistration")?,
            clicks_before_start: None,
            submissions: Vec::new(),
        })
    }

    fn read_submissions(&mut self, table: &Table, places: &HashMap<(Course, String), usize>) -> Result<()> {
        let assessments: HashMap<String, usize> =
            self.assessments.iter().enumerate().map(|(place, of)| (of.id.clone(), place)).collect();
        for row in &table.rows()? {
            let id = row.text("id_assessment")?;
            let assessment = *assessments
                .get(id)
                .ok_or_else(|| row.wrong("id_assessment", id, "not in assessments.csv"))?;
            let student = row.text("id_student")?;
            let course = self.assessments[assessment].course.clone();
            let place = *places
                .get(&(course, student.to_owned()))
                .ok_or_else(|| row.wrong("id_student", student, "not enrolled"))?;
            self.assessments[assessment].is_recorded = true;
            self.enrolments[place].submissions.push(Submission {
                assessment,
                day: row.whole("date_submitted")?,
                is_banked: row.whole("is_banked")? != 0,
                score: row.whole("score")?,
            });
        }
        Ok(())
    }
}

fn course(row: &Row<'_>) -> Result<Course> {
    let code = row.text("code_presentation")?;
    let presentation = Presentation::of_code(code);
    let presentation =
        presentation.ok_or_else(|| row.wrong("code_presentation", code, "neither 2013B nor 2013J"))?;
    Ok((row.text("code_module")?.to_owned(), presentation))
}
