"""What several tests share: tiny runs, false backends, planted bugs. There is no test here."""
