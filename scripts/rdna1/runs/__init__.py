"""What a rollout leaves behind: one directory a run, read by resume, by reports and by people."""
