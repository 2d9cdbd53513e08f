"""What the pixels of an instance are: the transfer syntaxes it can be given in follow from that."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Of what is on record already nobody looks: it is given as it is stored."""
    op.add_column(
        "instance", sa.Column("pixels", TEXT, nullable=False, server_default=sa.text("''"))
    )
