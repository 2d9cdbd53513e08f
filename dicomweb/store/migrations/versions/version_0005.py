"""Requests for storage commitment, kept until their reports have arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "commitment",
        sa.Column("id", ID, nullable=False),
        sa.Column("AETitle", TEXT, nullable=False),
        sa.Column("TransactionUID", TEXT, nullable=False),
        sa.Column("referenced", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("due_microseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("commitment_due", "commitment", ["due_microseconds"], unique=False)
