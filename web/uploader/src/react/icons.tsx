// The few icons there are, drawn here: 24 units, one stroke.
import type { ReactNode } from "react";

function icon(paths: ReactNode) {
  return function Icon() {
    return (
      <svg
        className="srm-icon"
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.75"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        focusable="false"
      >
        {paths}
      </svg>
    );
  };
}

export const UploadIcon = icon(
  <>
    <path d="M12 16V5m0 0L7.5 9.5M12 5l4.5 4.5" />
    <path d="M4 15v2.5A2.5 2.5 0 0 0 6.5 20h11a2.5 2.5 0 0 0 2.5-2.5V15" />
  </>,
);
export const CameraIcon = icon(
  <>
    <path d="M4 8.5A1.5 1.5 0 0 1 5.5 7h2l1.5-2h6l1.5 2h2A1.5 1.5 0 0 1 20 8.5v9a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5z" />
    <circle cx="12" cy="13" r="3.25" />
  </>,
);
export const PauseIcon = icon(<path d="M9 6v12M15 6v12" />);
export const PlayIcon = icon(<path d="M8 5.5v13l10.5-6.5z" />);
export const CloseIcon = icon(<path d="m6.5 6.5 11 11m0-11-11 11" />);
export const RetryIcon = icon(
  <>
    <path d="M5 12a7 7 0 1 0 2.2-5.1L5 9" />
    <path d="M5 4.5V9h4.5" />
  </>,
);
export const CheckIcon = icon(<path d="m5.5 12.5 4.5 4.5 8.5-9.5" />);
export const AlertIcon = icon(<path d="M12 6.5v7m0 3.5v.01" />);
export const DownloadIcon = icon(
  <>
    <path d="M12 4.5v11m0 0L7.5 11m4.5 4.5 4.5-4.5" />
    <path d="M5 19.5h14" />
  </>,
);
export const TrashIcon = icon(
  <>
    <path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12a1 1 0 0 0 1 .95h7.4a1 1 0 0 0 1-.95l.8-12" />
    <path d="M10 11v5m4-5v5" />
  </>,
);
export const SearchIcon = icon(
  <>
    <circle cx="11" cy="11" r="6" />
    <path d="m19.5 19.5-4.2-4.2" />
  </>,
);
