"""The first schema: patient, study, series, instance, and what retrieval reads of an instance."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "patient",
        sa.Column("id", ID, nullable=False),
        sa.Column("identity", TEXT, nullable=False),
        sa.Column("PatientName", TEXT, nullable=False),
        sa.Column("PatientID", TEXT, nullable=False),
        sa.Column("IssuerOfPatientID", TEXT, nullable=False),
        sa.Column("PatientBirthDate", TEXT, nullable=False),
        sa.Column("PatientSex", TEXT, nullable=False),
        sa.Column("NumberOfPatientRelatedStudies", sa.BigInteger(), nullable=False),
        sa.Column("NumberOfPatientRelatedSeries", sa.BigInteger(), nullable=False),
        sa.Column("NumberOfPatientRelatedInstances", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("identity"),
    )
    op.create_index("patient_PatientID", "patient", ["PatientID"], unique=False)
    op.create_index("patient_PatientName", "patient", ["PatientName"], unique=False)
    op.create_table(
        "study",
        sa.Column("id", ID, nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("StudyDate", TEXT, nullable=False),
        sa.Column("StudyTime", TEXT, nullable=False),
        sa.Column("AccessionNumber", TEXT, nullable=False),
        sa.Column("ModalitiesInStudy", TEXT, nullable=False),
        sa.Column("ReferringPhysicianName", TEXT, nullable=False),
        sa.Column("StudyDescription", TEXT, nullable=False),
        sa.Column("StudyInstanceUID", TEXT, nullable=False),
        sa.Column("StudyID", TEXT, nullable=False),
        sa.Column("NumberOfStudyRelatedSeries", sa.BigInteger(), nullable=False),
        sa.Column("NumberOfStudyRelatedInstances", sa.BigInteger(), nullable=False),
        sa.Column("PatientName", TEXT, nullable=False),
        sa.Column("PatientID", TEXT, nullable=False),
        sa.Column("IssuerOfPatientID", TEXT, nullable=False),
        sa.Column("PatientBirthDate", TEXT, nullable=False),
        sa.Column("PatientSex", TEXT, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patient.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("StudyInstanceUID"),
    )
    op.create_index("study_AccessionNumber", "study", ["AccessionNumber"], unique=False)
    op.create_index("study_PatientID", "study", ["PatientID"], unique=False)
    op.create_index("study_PatientName", "study", ["PatientName"], unique=False)
    op.create_index("study_StudyID", "study", ["StudyID"], unique=False)
    op.create_index("study_newest", "study", ["StudyDate", "StudyTime", "id"], unique=False)
    op.create_index("study_patient", "study", ["patient_id"], unique=False)
    op.create_table(
        "series",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("SeriesDate", TEXT, nullable=False),
        sa.Column("SeriesTime", TEXT, nullable=False),
        sa.Column("Modality", TEXT, nullable=False),
        sa.Column("SeriesDescription", TEXT, nullable=False),
        sa.Column("BodyPartExamined", TEXT, nullable=False),
        sa.Column("SeriesInstanceUID", TEXT, nullable=False),
        sa.Column("SeriesNumber", sa.BigInteger(), nullable=True),
        sa.Column("Laterality", TEXT, nullable=False),
        sa.Column("NumberOfSeriesRelatedInstances", sa.BigInteger(), nullable=False),
        sa.Column("PerformedProcedureStepStartDate", TEXT, nullable=False),
        sa.Column("PerformedProcedureStepStartTime", TEXT, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["study.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("SeriesInstanceUID", "study_id"),
    )
    op.create_index("series_study", "series", ["study_id"], unique=False)
    op.create_table(
        "instance",
        sa.Column("id", ID, nullable=False),
        sa.Column("series_id", ID, nullable=False),
        sa.Column("TransferSyntaxUID", TEXT, nullable=False),
        sa.Column("blob", TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("data_set_offset", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("SOPClassUID", TEXT, nullable=False),
        sa.Column("SOPInstanceUID", TEXT, nullable=False),
        sa.Column("InstanceNumber", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["series.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("SOPInstanceUID"),
        sa.UniqueConstraint("blob"),
    )
    op.create_index("instance_series", "instance", ["series_id"], unique=False)
    op.create_table(
        "content",
        sa.Column("instance_id", ID, autoincrement=False, nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("layout", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instance.id"],
        ),
        sa.PrimaryKeyConstraint("instance_id"),
    )
