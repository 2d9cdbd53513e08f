"""What the archive holds in all, kept up to date; the latest instances that were refused."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tally",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("shard", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instances", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "shard"),
    )
    op.create_table(
        "refusal",
        sa.Column("id", ID, nullable=False),
        sa.Column("refused_microseconds", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.BigInteger(), nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("SOPInstanceUID", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    # What is there already is counted this once; on which day it came is known of none of it.
    op.execute(
        "INSERT INTO tally SELECT 'modality', \"Modality\", 0, count(*), sum(size_bytes) "
        'FROM instance JOIN series ON series.id = instance.series_id GROUP BY "Modality"'
    )
    for table, name in (("series", "series"), ("study", "studies")):
        op.execute(
            f"INSERT INTO tally SELECT 'total', '{name}', 0, n, 0 "  # noqa: S608
            f"FROM (SELECT count(*) AS n FROM {table}) AS counted WHERE n > 0"
        )
