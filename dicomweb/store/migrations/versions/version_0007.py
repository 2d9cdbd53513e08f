"""Values of studies lie in the order of answers: with the date and time of the study in their key.

What many studies share, a modality or a sound, is so found with the newest first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

FILL = """
    INSERT INTO study_value (attribute, value, newest, study_id, item)
    SELECT attribute, value, "StudyDate" || ' ' || rtrim("StudyTime", '0'), study_id, item
    FROM former_value JOIN study ON study.id = study_id
    ORDER BY 1, 2, 3, 4, 5
"""


def upgrade() -> None:
    """The table is made anew, in the order of its new key; nothing refers to it."""
    op.drop_index("study_value_of", "study_value")
    op.rename_table("study_value", "former_value")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX study_value_pkey RENAME TO former_value_pkey")
    op.create_table(
        "study_value",
        sa.Column("attribute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("newest", TEXT, nullable=False),
        sa.Column("study_id", ID, autoincrement=False, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("attribute", "value", "newest", "study_id", "item"),
        sqlite_with_rowid=False,
    )
    op.execute(FILL)
    op.drop_table("former_value")
    op.create_index("study_value_of", "study_value", ["study_id", "attribute"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ANALYZE study_value")  # plans are made by what it tells
