"""What the screenshots of `tests.ui.gallery` are made of: documents, answers, a question that runs the other way."""

from __future__ import annotations

from tests.ui import conftest as chats

TABLE = """The kinds of leave are these [1].

| Kind of leave | Days per year | Who approves it | Carried over until |
|---|---:|---|---|
| Annual holiday | 25 | the line manager | the end of March |
| Hospitalisation | 10 | Occupational-Health-Department | never |
"""
CODE = """Run this [1].

```python
def days(employee): return 25 if employee.permanent else 25 * employee.months_worked_in_this_calendar_year / 12
```
"""
DOCUMENTS = {
    **chats.DOCUMENTS,
    "kinds.md": f"# Kinds of leave\n\n{TABLE.replace(' [1]', '')}",
    "days.md": f"# Days\n\n## Reckoning\n\n{CODE.replace(' [1]', '')}",
    "ar/leave.md": "# إجازة\n\n## الإجازة السنوية\n\nلكل موظف خمسة وعشرون يوم إجازة مدفوعة في السنة.\n",
    "broken.pdf": "%PDF-1.4 broken",
}
ARABIC = "كم يوم إجازة مدفوعة لكل موظف؟"
