"""The import under way, so that what it has enrolled so far can be hidden and taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add what an import of many commits needs."""
    op.create_table(
        "imports",
        sa.Column("sequence_id", sa.Text, nullable=False),
        sa.Column("first_ordinal", sa.Integer, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("entry", sa.Text),
        sa.PrimaryKeyConstraint("sequence_id", name="pk_imports"),
        sa.ForeignKeyConstraint(
            ["sequence_id"], ["sequences.id"], name="fk_imports_sequence_id_sequences", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "import_fields",
        sa.Column("prospect_id", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("prospect_id", name="pk_import_fields"),
        sa.ForeignKeyConstraint(
            ["prospect_id"],
            ["prospects.id"],
            name="fk_import_fields_prospect_id_prospects",
            ondelete="CASCADE",
        ),
    )
