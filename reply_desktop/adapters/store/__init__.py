"""The SQLite database behind the port `Store`: the only room that knows SQL, SQLAlchemy and Alembic."""
