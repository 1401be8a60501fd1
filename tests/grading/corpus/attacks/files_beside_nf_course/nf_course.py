raise SystemExit('a file of the submission was imported')
