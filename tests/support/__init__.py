"""What several tests share: tiny runs, honest and false backends, planted bugs. No test lives here."""
