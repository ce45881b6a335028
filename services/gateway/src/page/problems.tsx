interface ProblemsProps {
  message: string;
  violations: readonly { field: string; description: string }[];
}

/** What is wrong with a cue sheet, line by line where lines are told. */
export function Problems({ message, violations }: ProblemsProps) {
  const lines = violations.filter(({ field }) => field.startsWith('line '));
  return (
    <div class="notice notice-error editor-problem" role="alert">
      {lines.length === 0 && <p>{message}</p>}
      {lines.length > 0 && (
        <>
          <p>{message.split(' Line ')[0]}</p>
          <ul>
            {lines.map(({ field, description }) => (
              <li key={`${field} ${description}`}>
                <strong>L{field.slice(1)}</strong> {description}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
