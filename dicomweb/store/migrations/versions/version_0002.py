"""When things were stored and changed; what was deleted, and blobs that are still to be removed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TIMES = {
    "study": "changed_microseconds",
    "series": "changed_microseconds",
    "instance": "stored_microseconds",
}
"""Of what is on record already nobody knows: 0."""


def upgrade() -> None:
    for table, column in TIMES.items():
        op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "tombstone",
        sa.Column("StudyInstanceUID", TEXT, nullable=False),
        sa.Column("SeriesInstanceUID", TEXT, nullable=False),
        sa.Column("SOPInstanceUID", TEXT, nullable=False),
        sa.Column("deleted_microseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
    )
    op.create_table(
        "condemned",
        sa.Column("blob", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("blob"),
    )
