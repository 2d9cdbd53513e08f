"""The level of attributes that the index has no row for, by their modules in PS3.3.

It decides at which resource `includefield` returns them (PS3.18 10.6.3.3).
"""

from __future__ import annotations

from schemas.attributes import ATTRIBUTES, Level
from schemas.paths import Step, number_of

# PS3.3 C.7.2.1, C.7.2.2 and C.4.4, C.4.5: what describes a study, or the patient at its time.
_STUDY = """
AdditionalPatientHistory AdmissionID AdmittingDiagnosesCodeSequence
AdmittingDiagnosesDescription Allergies ConsultingPhysicianIdentificationSequence
ConsultingPhysicianName IssuerOfAdmissionIDSequence IssuerOfAccessionNumberSequence
IssuerOfServiceEpisodeIDSequence LastMenstrualDate MedicalAlerts NameOfPhysiciansReadingStudy
Occupation PatientAge PatientBodyMassIndex PatientSexNeutered PatientSize
PatientSizeCodeSequence PatientState PatientWeight PhysiciansOfRecord
PhysiciansOfRecordIdentificationSequence PhysiciansReadingStudyIdentificationSequence
PregnancyStatus ProcedureCodeSequence ReasonForPerformedProcedureCodeSequence ReasonForStudy
ReasonForVisit ReferencedStudySequence ReferringPhysicianIdentificationSequence
RequestedProcedureCodeSequence RequestedProcedureDescription RequestingPhysician
RequestingService RequestingServiceCodeSequence ServiceEpisodeDescription ServiceEpisodeID
SmokingStatus SOPClassesInStudy SpecialNeeds StudyComments StudyUpdateDateTime
""".split()  # noqa: SIM905 - as a list it would take a line a word

# PS3.3 C.7.3.1 and C.7.5.1: what describes a series, or the equipment that made it.
_SERIES = """
AnatomicalOrientationType ClinicalTrialSeriesDescription ClinicalTrialSeriesID
CommentsOnThePerformedProcedureStep DateOfLastCalibration DeviceSerialNumber DeviceUID
FrameOfReferenceUID GantryID InstitutionAddress InstitutionalDepartmentName InstitutionName
LargestPixelValueInSeries Manufacturer ManufacturerModelName OperatorsName
OperatorIdentificationSequence PatientPosition PerformedProcedureStepDescription
PerformedProcedureStepEndDate PerformedProcedureStepEndTime PerformedProcedureStepID
PerformedProtocolCodeSequence PerformingPhysicianIdentificationSequence PerformingPhysicianName
PixelPaddingValue PositionReferenceIndicator ProtocolName
ReferencedPerformedProcedureStepSequence RelatedSeriesSequence SeriesDescriptionCodeSequence
SmallestPixelValueInSeries SoftwareVersions SpatialResolution StationName TimeOfLastCalibration
TreatmentSessionUID
""".split()  # noqa: SIM905 - as a list it would take a line a word

_LEVELS = (
    dict.fromkeys(map(number_of, _STUDY), Level.STUDY)
    | dict.fromkeys(map(number_of, _SERIES), Level.SERIES)
    | {
        attribute.number: attribute.level
        for attribute in reversed(ATTRIBUTES)
        if not attribute.sequence
    }
)
_PATIENT_GROUP = 0x0010


def level_of(step: Step) -> Level:
    """The level that an attribute describes; of a private one nobody knows, so each may."""
    if step.creator:
        return Level.PATIENT
    known = _LEVELS.get(step.number)
    if known is None:
        return Level.PATIENT if step.number >> 16 == _PATIENT_GROUP else Level.INSTANCE
    return known
