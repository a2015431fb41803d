"""Services behind HTTP: requests, their retries and redirects, and answers that come in pages."""
