"""The verdict in the forms that others read: a table, JUnit, Prometheus."""
