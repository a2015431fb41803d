"""Tables and queries of databases, through SQLAlchemy."""
