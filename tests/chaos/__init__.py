"""The history checker: clients, workers and faults against a real server, judged by the record of what happened."""
